import { import_sentences_zh } from "./upkeep";

// Beginnings of the reasons that the server gives, in Chinese. The longer of two comes first.
export const reasons_zh: [string, string][] = [
  ["the reader doubts it", "识别结果存疑"],
  ["not read", "未识别"],
  ["roll-over", "计数器归零翻转"],
  ["negative use", "用量为负"],
  ["implausible jump", "读数跳变异常"],
  ["high use", "用量偏高"],
  ["low use", "用量偏低"],
  ["no use for", "长时间无用量"],
  ["continuous flow", "持续用水，可能泄漏"],
  ["the same photo as", "与先前照片相同"],
  ["the camera's clock is wrong", "摄像头时钟有误"],
  ["a second reader sees", "第二识别器结果不同"],
  ["decimals taken from the meter", "小数位取自表计设置"],
  ["decimals taken from the last accepted reading", "小数位取自上次采用的读数"],
  ["the photo is older than the newest accepted reading", "照片早于最新采用的读数"],
  ["the device watches no meter at that time", "该时间设备未对应任何表计"],
  ["the last accepted reading decided the rest", "其余位由上次采用的读数决定"],
  ["the stored file is not the photo that was received", "存储的文件与收到的照片不一致"],
  ["low confidence", "可信度低"],
  ["no meter in the photo", "照片中没有表计"],
  ["no meter", "没有表计"],
  ["blurred", "模糊"],
  ["too dark", "过暗"],
  ["the wrong window", "窗口位置错误"],
  ["turning", "字轮正在转动"],
  ["glare", "反光"],
  ["blur", "模糊"],
  ["dark", "过暗"],
  ["wrong length", "长度不符"],
  ["wrong hash", "校验和不符"],
  ["stale", "旧照片"],
  ["truncated", "照片被截断"],
];

// Whole sentences with what they tell.
export const sentences_zh: [RegExp, string][] = [
  ...import_sentences_zh,
  [
    /^the photo alone says (\d+), (\d+) wheels? certain; the last accepted reading decided the .*$/,
    "仅凭照片为 $1，其中 $2 位确定；其余由上次采用的读数决定",
  ],
  [
    /^(\d+) of the last (\d+) photos gave no reading that counts: look at the newest photo$/,
    "最近 $2 张照片中有 $1 张没有有效读数：请查看最新照片",
  ],
  [
    /^nothing heard for (\d+) h: check its power, signal and SIM$/,
    "$1 小时没有消息：请检查供电、信号和 SIM 卡",
  ],
  [
    /^(\d+) MiB free, (\d+) wanted: make room, or keep less$/,
    "剩余 $1 MiB，需要 $2 MiB：请清理空间或减少保留",
  ],
  [
    /^no connection to the MQTT broker for (\d+) s: .*$/,
    "与 MQTT 代理断开已 $1 秒：收不到设备的消息，原因见日志",
  ],
  [/^cannot be told for (\d+) min: (.*)$/, "已有 $1 分钟无法推送：$2"],
  [/^(\d+) of (\d+) calls used$/, "已用 $1 次，上限 $2 次"],
];
