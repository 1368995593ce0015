"""A call of any length."""

CALL = (
    "喂你好，我住西湖区古荡街道这边，楼上卫生间漏水漏到我家吊顶上了，电灯都不敢开，我找了他三趟他都不开门，"
    "物业来看过一次说要他家同意才能修，后来就不管了，想请你们派个人过来帮忙协调一下，我下午都在家里的"
)


def text(length: int) -> str:
    """A call of that many characters."""
    return (CALL * 5)[:length]
