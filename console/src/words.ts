// Every text of the page in both languages, and how times and numbers are written.
import type { Command } from "./api/command";

export type Language = "en" | "zh";

const en = {
  title: "Meters",
  other_language: "中文",
  live: "Live",
  connecting: "Connection lost, trying again",
  server_unreachable: "The server does not answer. Check that it runs; this page tries again.",
  loading: "Loading",
  no_devices: "No device yet. A device appears here by itself as soon as it connects.",
  online: "Online",
  offline: "Offline",
  seen: "last seen {0}",
  never: "never seen",
  dialect_native: "native",
  dialect_smartdtu: "SmartDTU",
  take_photo: "Take a photo",
  working: "Under way",
  no_photo: "No photo yet",
  photo_missing: "The photo cannot be shown",
  photo_of: "Photo of {0}, taken {1}",
  photo_at: "Photo {0}",
  quarantined: "The newest photo is in quarantine and was not read: {0}. A new one is asked for.",
  quarantined_plain: "not whole",
  no_reading: "No reading yet",
  being_read: "The newest photo is being read",
  older_reading: "This reading belongs to an earlier photo, taken {0}",
  reading: "Reading",
  digit_uncertain: "unclear",
  status_read: "Read",
  status_doubtful: "Doubtful",
  status_unreadable: "Unreadable",
  status_none: "By hand",
  verdict_accepted: "accepted",
  verdict_doubtful: "doubtful, not published",
  verdict_rejected: "rejected",
  verdict_estimated: "estimated",
  verdict_manual: "entered by hand",
  confidence: "Confidence {0}",
  state_queued: "Waiting its turn",
  state_offline: "Waiting for the device to come online",
  state_sent: "Sent to the device",
  state_received: "The device has the order",
  state_shooting: "The camera takes the photo",
  state_transferring: "Packet {0} of {1}",
  state_transferring_unknown: "Packets are coming: {0}",
  state_stored: "Photo stored, being read",
  state_read: "Done",
  state_failed: "Failed: {0}",
  state_expired: "Given up: {0}",
  reason_unknown: "the device did not answer",
  error_offline: "The device is offline. The photo can be taken when it is back.",
  error_busy: "The device is busy: too many photos are ordered already. Wait, then try again.",
  error_unknown_device: "The server no longer knows this device. Reload the page.",
  error_unreachable: "The server does not answer. Check the connection and try again.",
  error_store: "The server cannot write its database (is the disk full?). Nothing was ordered.",
  error_other: "The photo could not be ordered: {0}",
  log_in_title: "Log in to Meterlens",
  log_in: "Log in",
  user_name: "Name",
  password: "Password",
  login_wrong: "The name or the password is wrong.",
  login_wait: "Too many wrong passwords. Wait a quarter of an hour, then try again.",
  login_failed: "The server could not judge the log-in. Try again.",
};

export type Word = keyof typeof en;

const zh: Record<Word, string> = {
  title: "表计",
  other_language: "English",
  live: "实时",
  connecting: "连接中断，正在重试",
  server_unreachable: "服务器没有响应。请检查服务器是否在运行；本页会自动重试。",
  loading: "加载中",
  no_devices: "还没有设备。设备连接后会自动出现在这里。",
  online: "在线",
  offline: "离线",
  seen: "最后在线 {0}",
  never: "从未上线",
  dialect_native: "原生协议",
  dialect_smartdtu: "SmartDTU",
  take_photo: "拍照",
  working: "进行中",
  no_photo: "还没有照片",
  photo_missing: "照片无法显示",
  photo_of: "{0} 的照片，拍摄于 {1}",
  photo_at: "照片 {0}",
  quarantined: "最新照片已被隔离，未读数：{0}。正在要求重拍。",
  quarantined_plain: "照片不完整",
  no_reading: "还没有读数",
  being_read: "正在识别最新照片",
  older_reading: "此读数来自较早的照片，拍摄于 {0}",
  reading: "读数",
  digit_uncertain: "不确定",
  status_read: "已识别",
  status_doubtful: "存疑",
  status_unreadable: "无法识别",
  status_none: "人工",
  verdict_accepted: "已采用",
  verdict_doubtful: "存疑，未发布",
  verdict_rejected: "已拒绝",
  verdict_estimated: "估算值",
  verdict_manual: "人工录入",
  confidence: "可信度 {0}",
  state_queued: "排队等待",
  state_offline: "等待设备上线",
  state_sent: "命令已发送",
  state_received: "设备已收到命令",
  state_shooting: "相机正在拍照",
  state_transferring: "数据包 {0} / {1}",
  state_transferring_unknown: "正在接收数据包：{0}",
  state_stored: "照片已保存，正在识别",
  state_read: "完成",
  state_failed: "失败：{0}",
  state_expired: "已放弃：{0}",
  reason_unknown: "设备没有回应",
  error_offline: "设备离线。设备恢复后才能拍照。",
  error_busy: "设备忙：排队的拍照命令太多。请等待完成后再试。",
  error_unknown_device: "服务器已不认识此设备。请刷新页面。",
  error_unreachable: "服务器没有响应。请检查连接后再试。",
  error_store: "服务器无法写入数据库（磁盘是否已满？）。命令未下达。",
  error_other: "无法下达拍照命令：{0}",
  log_in_title: "登录 Meterlens",
  log_in: "登录",
  user_name: "用户名",
  password: "密码",
  login_wrong: "用户名或密码错误。",
  login_wait: "密码错误次数过多。请等待一刻钟后再试。",
  login_failed: "服务器无法处理登录。请重试。",
};

// The server gives its reasons in English; these beginnings are known here.
const reasons_zh: [string, string][] = [
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
  ["decimals taken from the last accepted reading", "小数位取自上次采用的读数"],
  ["the photo is older than the newest accepted reading", "照片早于最新采用的读数"],
  ["low confidence", "可信度低"],
  ["no meter", "没有表计"],
  ["turning", "字轮正在转动"],
  ["glare", "反光"],
  ["blur", "模糊"],
  ["dark", "过暗"],
  ["wrong length", "长度不符"],
  ["wrong hash", "校验和不符"],
  ["stale", "旧照片"],
  ["truncated", "照片被截断"],
];

const texts: Record<Language, Record<Word, string>> = { en, zh };

export class Words {
  constructor(readonly language: Language) {}

  say(word: Word, ...parts: (string | number)[]): string {
    // A newer server may say what this page does not know: then its own word shows.
    const text = texts[this.language][word] ?? word;
    return text.replace(/\{(\d)\}/g, (_, index) => String(parts[index] ?? ""));
  }

  time(at_ms: number): string {
    const locale = this.language === "zh" ? "zh-CN" : "en-GB";
    const style = { dateStyle: "medium", timeStyle: "medium" } as const;
    return new Intl.DateTimeFormat(locale, style).format(at_ms);
  }

  percent(share: number): string {
    // Rounded down: 99.97 % must not show as 100 %.
    return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
  }

  progress(command: Command, online: boolean): string {
    const { state } = command;
    // Whatever went out before, nothing happens until the device is back.
    if (!online && (state === "queued" || state === "sent")) return this.say("state_offline");
    if (state === "transferring")
      return command.packets_total > 0
        ? this.say("state_transferring", command.packets_received, command.packets_total)
        : this.say("state_transferring_unknown", command.packets_received);
    if (state === "failed" || state === "expired")
      return this.say(`state_${state}`, this.reason(command.reason || this.say("reason_unknown")));
    return this.say(`state_${state}`);
  }

  reason(text: string): string {
    if (this.language === "en") return text;
    const known = reasons_zh.find(([beginning]) => text.startsWith(beginning));
    if (known === undefined) return text;
    const rest = text.slice(known[0].length).replace(/^[:,]?\s*/, "");
    return rest === "" ? known[1] : `${known[1]}：${this.reason(rest)}`;
  }

  error(code: string, message: string): string {
    if (code === "unreachable") return this.say("error_unreachable");
    if (code === "offline") return this.say("error_offline");
    if (code === "unknown_device") return this.say("error_unknown_device");
    if (code.startsWith("store")) return this.say("error_store");
    if (code === "busy" || code === "queue_full" || code === "http_429")
      return this.say("error_busy");
    return this.say("error_other", message || code);
  }
}

export function preferred_language(stored: string | null, browser: string): Language {
  if (stored === "en" || stored === "zh") return stored;
  return browser.toLowerCase().startsWith("zh") ? "zh" : "en";
}
