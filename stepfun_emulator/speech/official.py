"""The official voices (WIRE.md section 6).

Nine of them stand in the sources. The service has about thirty more, whose list only the service knows; here others in
the same manner stand for them, so that a client meets a list of that length.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Voice(NamedTuple):
    """One voice: its id, what it is called, how it sounds, what for."""

    id: str
    name: str
    sounds: str
    scenes: str


OFFICIAL: dict[str, Voice] = {
    voice.id: voice
    for voice in (
        Voice("cixingnansheng", "磁性男声", "低沉而有磁性的男声", "有声书、广告旁白"),
        Voice("linjiajiejie", "邻家姐姐", "亲切自然的女声", "智能助手、客服"),
        Voice("linjiameimei", "邻家妹妹", "清新活泼的女声", "社交陪伴、短视频"),
        Voice("wenrounansheng", "温柔男声", "温和平缓的男声", "情感电台、睡前故事"),
        Voice("qingchunshaonv", "清纯少女", "清澈明亮的少女声", "动画配音、短视频"),
        Voice("livelybreezy-female", "活力轻快女声", "轻快有活力的女声", "直播、营销"),
        Voice("elegantgentle-female", "气质温婉女声", "优雅温婉的女声", "有声书、品牌宣传"),
        Voice("jingdiannvsheng", "经典女声", "标准端正的女声", "新闻播报、教学"),
        Voice("zixinnansheng", "自信男声", "沉稳自信的男声", "商务演示、解说"),
        Voice("zhengpaiqingnian", "正派青年", "正直有力的青年男声", "有声剧、解说"),
        Voice("yuanqinansheng", "元气男声", "朝气蓬勃的男声", "直播、短视频"),
        Voice("qingniandaxuesheng", "青年大学生", "自然随和的青年男声", "社交陪伴、学习"),
        Voice("boyinnansheng", "播音男声", "字正腔圆的男声", "新闻播报、纪录片"),
        Voice("ruyananshi", "儒雅男士", "文雅从容的男声", "历史讲述、有声书"),
        Voice("shenchennanyin", "深沉男音", "深沉厚重的男声", "悬疑故事、预告片"),
        Voice("shuangkuainansheng", "爽快男声", "直爽明快的男声", "营销、客服"),
        Voice("wenhoudashu", "温厚大叔", "宽厚的中年男声", "故事、陪伴"),
        Voice("yingjunshaonian", "英俊少年", "清亮的少年声", "动画配音、游戏"),
        Voice("qinqienvsheng", "亲切女声", "亲切柔和的女声", "客服、导览"),
        Voice("wenrounvsheng", "温柔女声", "温柔细腻的女声", "睡前故事、冥想"),
        Voice("jilingshaonv", "机灵少女", "机敏俏皮的少女声", "动画配音、游戏"),
        Voice("yuanqishaonv", "元气少女", "元气满满的少女声", "直播、短视频"),
        Voice("ruanmengnvsheng", "软萌女声", "软糯可爱的女声", "儿童故事、陪伴"),
        Voice("youyanvsheng", "优雅女声", "端庄优雅的女声", "品牌宣传、讲解"),
        Voice("lengyanyujie", "冷艳御姐", "冷静成熟的女声", "有声剧、游戏"),
        Voice("shuangkuaijiejie", "爽快姐姐", "爽朗利落的女声", "营销、解说"),
        Voice("wenjingxuejie", "文静学姐", "安静文雅的女声", "学习、陪伴"),
        Voice("zhixingjiejie", "知性姐姐", "知性沉稳的女声", "知识讲解、播客"),
        Voice("tianmeinvsheng", "甜美女声", "甜美动人的女声", "导购、短视频"),
        Voice("ganliannvsheng", "干练女声", "干练清楚的女声", "商务、会议"),
        Voice("qinhenvsheng", "亲和女声", "有亲和力的女声", "客服、教育"),
        Voice("huolinvsheng", "活力女声", "充满活力的女声", "运动、直播"),
        Voice("zhuboxiaojie", "主播小姐", "流畅明亮的女声", "新闻播报、直播"),
        Voice("cixiangnainai", "慈祥奶奶", "慈祥的老年女声", "童话、陪伴"),
        Voice("heaiyeye", "和蔼爷爷", "和蔼的老年男声", "童话、历史讲述"),
        Voice("tongzhenxiaohai", "童真小孩", "天真的童声", "儿童故事、动画"),
        Voice("calmsteady-male", "沉静男声", "沉静平稳的男声", "冥想、导览"),
        Voice("warmbright-male", "暖阳男声", "温暖明朗的男声", "播客、教育"),
        Voice("crispclear-female", "清脆女声", "清脆利落的女声", "导航、提示"),
        Voice("softwhisper-female", "轻语女声", "轻声细语的女声", "睡前故事、冥想"),
    )
}


def listed() -> dict[str, Any]:
    """All of them, as ``GET /audio/system_voices`` gives them."""
    return {
        "voices": list(OFFICIAL),
        "voices-details": {
            voice.id: {
                "voice-name": voice.name,
                "voice-description": voice.sounds,
                "recommended_scene": voice.scenes,
            }
            for voice in OFFICIAL.values()
        },
    }
