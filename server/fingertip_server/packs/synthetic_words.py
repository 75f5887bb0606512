"""The words of which synthetic customers are made: names, streets, districts.

Everything is invented: no place, street or person of these names is meant.
"""

# The frequent ones first: they are drawn more often.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蔡蒋余于杜叶程魏苏吕"
    "丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武戴"
)
COMPOUND_SURNAMES = (
    "欧阳", "上官", "司马", "诸葛", "东方", "皇甫", "尉迟", "令狐", "司徒", "慕容", "夏侯", "单于",
)  # fmt: skip
WOMENS_CHARACTERS = (
    "芳娜敏静丽艳娟霞秀兰英华慧巧美婷玉萍红玲芬燕彩洁梅琳雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉桂"
)
MENS_CHARACTERS = (
    "伟强磊洋勇军杰涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林欢佳阳建国志诚毅峰晨博文彬"
)
# Rare as names have them: outside of GB 2312, in four bytes of UTF-8, newer than most fonts.
RARE_CHARACTERS = (
    "堃", "喆", "犇", "淼", "昇", "\u3007", "\u4dae", "\u36c3", "\u9fcf", "\U00020bb7",
    "\U00023d76", "\U0002a7dd", "\U0002b74f", "\U0002c029", "\U00030edd",
)  # fmt: skip
# A name of one's own, a dot, the father's name.
DOTTED_WOMENS_NAMES = ("阿依古丽", "古丽娜尔", "热依汗", "帕提曼", "卓玛央金")
DOTTED_MENS_NAMES = ("买买提", "艾合买提", "阿不都拉", "吐尔逊", "巴特尔")

# The first six digits of the numbers of those who live there. No province begins with 19, so
# that such a number was never given to anybody.
DISTRICTS = (
    ("190101", "中心区"),
    ("190102", "滨江区"),
    ("190103", "湖西区"),
    ("190104", "城北区"),
    ("190105", "南山区"),
    ("190106", "高新区"),
    ("190121", "平湖县"),
    ("190122", "云溪县"),
)
STREETS = ("江晖路", "湖畔街", "指尖大道", "银杏路", "文澜街", "和平里", "望潮路", "梧桐巷")
