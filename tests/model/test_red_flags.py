"""Danger words: heard, taken back by what stands around them, and only ever raising."""

import shutil
from pathlib import Path

import pytest

from data.records import Turn
from data.tables import DATA_DIR, DataError
from model.red_flags import load_flags, raised_flags


def flags(text: str, speaker: str = "caller") -> set[str]:
    return {raised.flag.id for raised in raised_flags([Turn.model_validate({"speaker": speaker, "text": text})])}


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("他手里拿着一把菜刀", "weapon"),
        ("着火了，浓烟进来了，我怕跑不出去", "fire"),
        ("他昨天就说要砍我，现在拿着刀站在我家门口", "weapon"),
        ("有人掉河里了，快来，手机快没电了", "trapped"),
        ("我爸爸在打我妈妈，不要打电话回来", "beating"),
        ("有人被砍了快来", "stabbed"),
        ("他说要同归于尽", "life_threat"),
        ("她坐在天台外面", "suicide"),
        ("屋里一股煤气味", "gas"),
        ("三楼在冒烟", "fire"),
        ("叫他不应了", "collapse"),
        ("我妈正在转账", "money_moving"),
        ("小孩被锁在车里", "child"),
        ("消防检查的刚走就着火了", "fire"),
        ("邻居说去年就有火灾隐患现在真的着火了", "fire"),
        ("我在遛狗的时候看到一个人晕倒了", "collapse"),
        ("小狗叫个不停有人浑身全是血", "blood"),
        ("猫跑了我去追掉进井里了", "trapped"),
        ("他去年就自杀过现在又站在楼顶上", "suicide"),
        ("他拿着切菜刀追我老婆", "weapon"),
        ("骑电瓶车倒在地上叫不应", "collapse"),
        ("他有高血压摔倒了流了很多血", "blood"),
        ("我手机快没电了困在山上", "trapped"),
        ("广告牌掉下来砸到人了", "trapped"),
        ("有人从楼上掉下来了", "trapped"),
        ("着火了没人管", "fire"),
    ],
)
def test_danger_is_heard(text: str, flag: str) -> None:
    assert flag in flags(text)


@pytest.mark.parametrize(
    "text",
    [
        "这店挂着跳楼价",
        "我家狗叫炸弹",
        "他打我电话",
        "想问献血流程",
        "小孩拿着玩具刀",
        "停车费跟抢劫一样",
        "我想咨询身份证",
        "没人困在里面",
        "没有人昏迷，也没有人流血，就是要保险",
        "没有闻到煤气味，就是没气",
        "没人拿刀，也没打架，就是喝酒唱歌吵",
        "孩子没被打，就是被骂了",
        "没有人要跳楼",
        "不是煤气漏，是水管漏",
        "没有触电，就是跳闸",
        "广告牌砸到我的车了",
        "工资卡夹在手机壳里一起不见了",
    ],
)
def test_figures_of_speech_are_not(text: str) -> None:
    assert flags(text) == set()


def test_only_the_caller_is_heard() -> None:
    assert flags("对方有没有拿着刀？", "operator") == set()


def test_where_it_was_heard() -> None:
    turns = [Turn(speaker="operator", text="请讲"), Turn(speaker="caller", text="喂，屋里一股煤气味")]
    (raised,) = raised_flags(turns)
    assert (raised.turn, turns[1].text[raised.start : raised.end]) == (1, "煤气味")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("weapon,持械,emergency,police_station", "weapon,持械,emergency,the_army", "adds"),
        ("weapon,持械,emergency", "weapon,持械,soon", "raises_to"),
        ("weapon,持械", "fire,持械", "id"),
        ("强奸|强暴", "(强奸|强暴", "pattern"),
        ("他手里拿着一把菜刀在楼道里", "他手里什么也没有", "example"),
        ("他拿了一把玩具刀给小孩玩", "他拿了一把刀", "counter"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, old: str, new: str, field: str) -> None:
    path = tmp_path / "red_flags.csv"
    shutil.copy(DATA_DIR / "red_flags.csv", path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_flags(path)
    assert caught.value.field == field
    assert caught.value.line > 4
