"""The words that the rules know, English and Chinese. Data only."""

from __future__ import annotations


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


# They say nothing about what a question or a tool is for.
STOP = _listed("""
    a about after again all also am an and any are as ask at be been both but by can could do does doing done each find
    first for from function get give go has have he her here him his how i if in info information into is it its just
    know let like list make me my need new no not now of off on one only or other our out over please result return
    returns run she show so some such take tell than that the their them then there these they thing this those to
    tool tools up us use used user using value very want was we well were what when where which who whom whose why
    will with would you your data given input output string number name question answer second third finally next
    hi hello hey thanks thank ok okay yes
""")
STOP_PAIRS = _listed("""
    什么 怎么 如何 一下 一个 请问 可以 帮我 告诉 我们 你们 这个 那个 多少 是多 的是 指定 获取 信息 返回
""")

# They begin a sentence with a capital and are no names.
NOT_NAMES = _listed("""
    I What Who Where When Why How Which Is Are Was Were Do Does Did Can Could Will Would Please Tell Give Show Use Using
    Search Find Look Get The A An And Then Also Now First Next Finally In On At For Of To Calculate Compute Multiply Add
    Divide Subtract Convert Translate Send Read Write Create Make Draw Book Order Check Call Return Reply Say Speak List
    Compare Describe Explain Summarize Summarise Let It This That My Your If JSON CSV API URL PDF Hello Hi Hey Thanks
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September
    October November December English Chinese French German Spanish Japanese Korean Include Generate Set Schedule Remind
    Turn Play Open Run Save Upload Download Analyse Analyze Sum Total Count Today Tomorrow Yesterday Transcribe
""")

# They stand where a label's value would, and are none.
LITTLE = _listed("a about and are as at by for from in into is of on or that the this to via was with")

# Words that mean much the same, in both languages. A question and a tool that share a concept belong together.
CONCEPTS: dict[str, frozenset[str]] = {
    name: _listed(triggers)
    for name, triggers in {
        "weather": "weather forecast temperature rain raining sunny snow humidity 天气 气温 下雨 天氣",
        "calculate": """
            calculate calculator calculation compute math arithmetic multiply multiplied divide divided subtract minus
            plus add adder times percent percentage expression formula squared
            算术 计算 乘 除以 加上 减去 算一 运算 公式
        """,
        "time": "time clock date today timezone 时间 几点 日期 时刻",
        "search": "search lookup google browse query 搜索 查找 检索 搜一 查询",
        "news": "news headline headlines 新闻 头条",
        "price": "price stock ticker quote shares 股价 股票 价格",
        "translate": "translate translation translator 翻译 译成",
        "mail": "email mail send 邮件 发送",
        "convert": "convert conversion converter exchange currency 换算 兑换 汇率",
        "table": "csv spreadsheet table sales column columns row rows dataframe 表格 销售 销量",
        "picture": "image picture photo draw paint illustration 图片 图像 画 照片",
        "speech": "speech speak voice aloud loud tts audio pronounce 语音 朗读 念出 配音",
        "transcribe": "transcribe transcription transcript asr recognize recognition 转写 识别 听写",
        "file": "file files document documents read 文件 文档",
        "remind": "remind reminder calendar schedule meeting 提醒 日程 会议",
        "route": "route distance directions navigate 路线 距离 导航",
        "book": "book reserve reservation booking 预订 预定",
        "order": "order orders shipment delivery 订单 物流",
    }.items()
}

# What an enum of operations may be called, by the first three letters, and its sign.
OPERATIONS = dict(pair.split(":") for pair in _listed("add:+ plu:+ sum:+ sub:- min:- mul:* tim:* div:/ pow:**"))
