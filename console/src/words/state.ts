// Names of what a DTU says of itself, part by part of a path like timer1.period.
import type { Language } from "./words";

const names: Record<string, [en: string, zh: string]> = {
  online: ["online", "在线"],
  dialect: ["protocol", "协议"],
  firmware: ["firmware", "固件版本"],
  uptime_s: ["running for, s", "已运行（秒）"],
  connects: ["connections", "连接次数"],
  up: ["messages sent", "已发送消息"],
  up_dropped: ["messages not sent", "未能发送的消息"],
  down: ["messages received", "已收到消息"],
  down_dropped: ["messages dropped", "丢弃的消息"],
  serial_errors: ["errors of the serial line", "串口错误"],
  foreign: ["messages not understood", "无法识别的消息"],
  line_baud: ["serial line, baud", "串口速率（波特）"],
  line_switches: ["serial line, changes of speed", "串口换速次数"],
  line_falls: ["serial line, falls back", "串口降速次数"],
  waiting: ["messages that wait", "排队消息"],
  waiting_most: ["messages that waited at most", "排队消息最多时"],
  settings_revision: ["settings, revision", "设置版本"],
  settings_broken: ["settings, damaged areas", "设置损坏区域"],
  settings_unwritten: ["settings, failed saves", "设置保存失败"],
  settings_refused: ["settings, refused", "设置被拒"],
  captures_ordered: ["photos ordered by its timer", "自身定时拍照"],
  captures_missed: ["photos missed by its timer", "自身定时错过"],
  reset_cause: ["started by", "启动原因"],
  crash_address: ["address of the crash", "崩溃地址"],
  imei: ["IMEI", "模块编号 IMEI"],
  iccid: ["ICCID", "SIM 卡号 ICCID"],
  signal_dbm: ["signal, dBm", "信号（dBm）"],
  modem: ["modem", "通信模块"],
  devModel: ["model", "型号"],
  sn: ["serial number", "序列号"],
  fwVersion: ["firmware", "固件版本"],
  productId: ["product", "产品"],
  aht10: ["climate", "温湿度"],
  temperature: ["temperature, °C", "温度（°C）"],
  humidity: ["humidity, %", "湿度（%）"],
  gpio: ["pin", "引脚"],
  timer: ["timer", "定时器"],
  uart: ["port", "串口"],
  status: ["on", "已启用"],
  period: ["period, ms", "周期（毫秒）"],
  mode: ["mode", "模式"],
  callback: ["tells", "上报内容"],
  config: ["parameters", "参数"],
  baud_rate: ["baud", "波特率"],
  data_bits: ["data bits", "数据位"],
  parity: ["parity", "校验"],
  stop_bits: ["stop bits", "停止位"],
  flow_control: ["flow control", "流控"],
};

// What is not known here keeps its own name.
export function state_text(language: Language, path: string): string {
  const parts = path.split(".").map((part) => {
    const [, name = part, number = ""] = /^([a-z]+)(\d+)$/.exec(part) ?? [];
    const pair = names[part] ?? names[name];
    if (pair === undefined) return part;
    const text = pair[language === "zh" ? 1 : 0];
    return names[part] === undefined ? `${text} ${number}` : text;
  });
  // "pin, pin 3" says one thing twice.
  const last = parts.at(-1)!;
  return parts.filter((part, at) => part === last || !parts[at + 1]!.startsWith(part)).join(", ");
}
