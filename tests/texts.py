"""Texts that every entrance must refuse or answer, whatever way they come in."""

REFUSED = {
    "empty": "",
    "blank": " \u3000\t\n",
    "control characters": "\x01\x07\u200b\u202e",
    "too long": "啊" * 20_001,
    "a megabyte of one character": "a" * 2**20,
}
ANSWERED = {
    "emoji": "😭😭😭",
    "traditional": "報警，停在樓下的電動車被偷了",
    "full width": "１１０嗎，３號樓，電話１３８",
    "English": "hello I lost my passport near West Lake",
    "punctuation": "，。！？",
    "markup": "<script>alert(1)</script> 拿着[/a]刀",
    "control characters within": "救命\x01啊",
    "right to left": "\u202e快来人",
    "as long as allowed": "啊" * 20_000,
}
