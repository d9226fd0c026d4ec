// Names of the settings of camera and DTU, and of their values where a number says little.
import type { Language } from "./words";

type Pair = [en: string, zh: string];

const names: Record<string, Pair> = {
  frame_size: ["Size of the photo", "照片尺寸"],
  crop_left: ["Crop: left, thousandths", "裁剪：左（千分比）"],
  crop_top: ["Crop: top, thousandths", "裁剪：上（千分比）"],
  crop_width: ["Crop: width, 0 for all", "裁剪：宽，0 为全部"],
  crop_height: ["Crop: height, 0 for all", "裁剪：高，0 为全部"],
  jpeg_quality: ["JPEG, smaller is better", "JPEG 质量，越小越好"],
  exposure: ["Exposure, -1 automatic", "曝光，-1 为自动"],
  exposure_bias: ["Bias of the exposure", "曝光补偿"],
  gain: ["Gain, -1 automatic", "增益，-1 为自动"],
  gain_ceiling: ["Highest automatic gain", "自动增益上限"],
  white_balance: ["White balance", "白平衡"],
  brightness: ["Brightness", "亮度"],
  contrast: ["Contrast", "对比度"],
  saturation: ["Saturation", "饱和度"],
  sharpness: ["Sharpening", "锐度"],
  mirror: ["Mirror", "左右镜像"],
  flip: ["Upside down", "上下翻转"],
  frames_to_drop: ["Frames dropped before the photo", "拍照前丢弃帧数"],
  light: ["Light", "补光灯"],
  light_percent: ["Light, percent", "灯光亮度（%）"],
  light_lead_ms: ["Light before the photo, ms", "提前开灯（毫秒）"],
  lamp_pin: ["Pin of a lamp, -1 the board's", "外接灯引脚，-1 为板载"],
  lamp_kind: ["Kind of lamp", "外接灯类型"],
  lamp_count: ["LEDs of the lamp", "灯珠数量"],
  lamp_rgb: ["Colour of the lamp, as a number", "灯光颜色（数值）"],
  dark_level: ["Too dark below", "过暗阈值"],
  bright_level: ["Too bright above", "过亮阈值"],
  sleep: ["Sleep between photos", "拍照间休眠"],
  awake_ms: ["Awake after the last word, ms", "休眠前保持唤醒（毫秒）"],
  capture_period_s: ["Own timer, seconds, 0 none", "自身定时拍照（秒），0 为无"],
  capture_offset_s: ["Timer's offset, seconds", "定时偏移（秒）"],
  capture_spread_s: ["Timer's spread, seconds", "定时分散（秒）"],
  status_period_s: ["Status every, seconds", "状态上报间隔（秒）"],
  window: ["Messages on their way", "在途消息数"],
  timer1_on: ["Timer 1", "定时器 1"],
  timer1_period_ms: ["Timer 1, ms", "定时器 1 周期（毫秒）"],
  timer1_repeats: ["Timer 1 repeats", "定时器 1 重复"],
  timer2_on: ["Timer 2", "定时器 2"],
  timer2_period_ms: ["Timer 2, ms", "定时器 2 周期（毫秒）"],
  timer2_repeats: ["Timer 2 repeats", "定时器 2 重复"],
  timer3_on: ["Timer 3", "定时器 3"],
  timer3_period_ms: ["Timer 3, ms", "定时器 3 周期（毫秒）"],
  timer3_repeats: ["Timer 3 repeats", "定时器 3 重复"],
  uart_baud: ["Serial line: baud", "串口波特率"],
  uart_data_bits: ["Serial line: data bits", "串口数据位"],
  uart_parity: ["Serial line: parity", "串口校验"],
  uart_stop_bits: ["Serial line: stop bits", "串口停止位"],
  uart_flow_control: ["Serial line: flow control", "串口流控"],
  uart0_baud: ["Serial line 0: baud", "串口 0 波特率"],
  uart0_data_bits: ["Serial line 0: data bits", "串口 0 数据位"],
  uart0_parity: ["Serial line 0: parity", "串口 0 校验"],
  uart0_stop_bits: ["Serial line 0: stop bits", "串口 0 停止位"],
  uart0_flow_control: ["Serial line 0: flow control", "串口 0 流控"],
  uart2_baud: ["Serial line 2: baud", "串口 2 波特率"],
  uart2_data_bits: ["Serial line 2: data bits", "串口 2 数据位"],
  uart2_parity: ["Serial line 2: parity", "串口 2 校验"],
  uart2_stop_bits: ["Serial line 2: stop bits", "串口 2 停止位"],
  uart2_flow_control: ["Serial line 2: flow control", "串口 2 流控"],
};

const off_on: Pair[] = [["off", "关"], ["on", "开"]];
const parity: Pair[] = [["none", "无"], ["even", "偶校验"], ["odd", "奇校验"]];
const values: Record<string, Pair[]> = {
  frame_size: ["320×240", "640×480", "800×600", "1024×768", "1280×1024", "1600×1200"].map(
    (size): Pair => [size, size],
  ),
  gain_ceiling: [2, 4, 8, 16, 32, 64, 128].map((times): Pair => [`${times}×`, `${times}×`]),
  white_balance: [
    ["automatic", "自动"], ["sunny", "晴天"], ["cloudy", "阴天"], ["office", "办公室"],
    ["home", "家庭"],
  ],
  mirror: off_on,
  flip: off_on,
  light: off_on,
  lamp_kind: [["plain", "普通"], ["WS281x", "WS281x"]],
  sleep: [["none", "不休眠"], ["light", "浅休眠"], ["deep", "深休眠"]],
  timer1_on: off_on,
  timer1_repeats: off_on,
  timer2_on: off_on,
  timer2_repeats: off_on,
  timer3_on: off_on,
  timer3_repeats: off_on,
  uart_parity: parity,
  uart0_parity: parity,
  uart2_parity: parity,
  uart_flow_control: off_on,
  uart0_flow_control: off_on,
  uart2_flow_control: off_on,
};

const in_language = (language: Language, pair: Pair): string => pair[language === "zh" ? 1 : 0];

// Of a setting that is not known here, its own name.
export function setting_text(language: Language, name: string): string {
  const pair = names[name];
  return pair === undefined ? name : in_language(language, pair);
}

// The values in words, from the least on; null when a number says it.
export function setting_values(language: Language, name: string): string[] | null {
  return values[name]?.map((pair) => in_language(language, pair)) ?? null;
}
