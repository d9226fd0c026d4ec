// What went wrong, by its code: of the server, each that openapi.yaml names, and of this page.
// Without {0} the server's own words stand behind it in brackets.
import type { Error as Answer, SinkTrouble } from "../api/openapi";
import type { Texts } from "./texts";

const of_server: Record<`error_${Answer["error"]["code"]}`, [en: string, zh: string]> = {
  error_bad_request: ["The server does not take this: {0}", "服务器不接受此内容：{0}"],
  error_body_too_large: ["That is too large for the server.", "内容过大，服务器不接受。"],
  error_busy: [
    "The server has too much to do at the moment. Wait, then try again.",
    "服务器当前过于繁忙。请稍候再试。",
  ],
  error_conflict: ["That does not go with what is there: {0}", "与现有内容冲突：{0}"],
  error_csrf: [
    "The server did not take this for one of its own pages: load the page anew.",
    "服务器未认出此页面：请重新加载页面。",
  ],
  error_damaged_jpeg: ["The photo is damaged: send it again.", "照片已损坏：请重新发送。"],
  error_device_disabled: ["The device is disabled.", "设备已停用。"],
  error_device_known: ["A device of this name is known already.", "同名设备已存在。"],
  error_disk_full: [
    "The server's disk is full. Nothing was changed.",
    "服务器磁盘已满。未做任何更改。",
  ],
  error_empty_body: ["Nothing was sent.", "没有发送任何内容。"],
  error_forbidden: ["You may not do this.", "您没有此权限。"],
  error_foreign_host: [
    "Without log-in this server answers only at localhost.",
    "未启用登录时，此服务器只应答 localhost。",
  ],
  error_foreign_origin: [
    "The server takes changes from its own pages only.",
    "服务器只接受来自自身页面的更改。",
  ],
  error_idempotency_conflict: [
    "This was sent before with other content.",
    "相同编号的请求已用于其他内容。",
  ],
  error_idempotency_unfinished: [
    "The same is under way already: look what became of it.",
    "相同的请求正在处理中：请查看其结果。",
  ],
  error_image_malformed: ["This file is no signed image.", "此文件不是已签名的固件。"],
  error_image_wrong_hash: ["This image is damaged: make it anew.", "此固件已损坏：请重新生成。"],
  error_image_wrong_size: [
    "This image has not the length that it names: make it anew.",
    "此固件长度与其说明不符：请重新生成。",
  ],
  error_login_required: ["You are not logged in any more.", "您已退出登录。"],
  error_method_not_allowed: ["The server does not offer this.", "服务器不支持此功能。"],
  error_no_devices: ["No device belongs to it.", "没有符合的设备。"],
  error_no_public_keys: [
    "The server has no public key to judge images by: see [update] in its settings.",
    "服务器没有用于验证固件的公钥：请查看设置中的 [update]。",
  ],
  error_no_view: ["No live frame has come yet.", "还没有收到实时画面。"],
  error_not_a_jpeg: ["This file is no JPEG photo.", "此文件不是 JPEG 照片。"],
  error_not_an_image: ["This file is no signed image.", "此文件不是已签名的固件。"],
  error_not_native: ["This device cannot do that.", "此设备不支持该操作。"],
  error_not_visible: ["It is not in your groups of meters.", "不在您有权查看的表计分组中。"],
  error_photo_file_missing: ["The photo's file is gone.", "照片文件已不存在。"],
  error_photo_store_failed: ["The photo's store does not answer.", "照片存储没有应答。"],
  error_precondition_failed: [
    "Somebody else has changed this meanwhile. What you typed is still here: look, then send " +
      "again.",
    "此项已被他人修改。您输入的内容仍在：请核对后再次提交。",
  ],
  error_queue_full: [
    "The device is busy: too much is ordered of it already. Wait, then try again.",
    "设备忙：排队的命令太多。请等待完成后再试。",
  ],
  error_store_failed: [
    "The server cannot write its database (is the disk full?). Nothing was changed.",
    "服务器无法写入数据库（磁盘是否已满？）。未做任何更改。",
  ],
  error_store_locked: [
    "Another program holds the server's database. Nothing was changed; try again.",
    "服务器数据库被其他程序占用。未做任何更改，请重试。",
  ],
  error_store_unreachable: [
    "The server does not reach its database. Nothing was changed; try again.",
    "服务器无法连接数据库。未做任何更改，请重试。",
  ],
  error_too_many_attempts: [
    "Too many wrong passwords. Wait a quarter of an hour, then try again.",
    "密码错误次数过多。请等待一刻钟后再试。",
  ],
  error_too_many_live_clients: [
    "Too many pages are open: close some.",
    "打开的页面过多：请关闭一些。",
  ],
  error_too_many_pixels: ["The photo has too many pixels.", "照片像素过多。"],
  error_too_many_schedules: [
    "There are too many schedules: delete those that are not needed.",
    "计划过多：请删除不需要的计划。",
  ],
  error_truncated_jpeg: ["The photo's end is missing: send it again.", "照片不完整：请重新发送。"],
  error_unknown_alarm: ["This alarm is not there any more.", "此告警已不存在。"],
  error_unknown_campaign: ["There is no such campaign any more.", "此升级批次已不存在。"],
  error_unknown_command: ["This command is not there any more.", "此命令已不存在。"],
  error_unknown_control: ["This message is not there any more.", "此控制消息已不存在。"],
  error_unknown_credential: ["This device has no credential any more.", "该设备已没有凭据。"],
  error_unknown_device: ["The server does not know this device.", "服务器不认识此设备。"],
  error_unknown_image: ["The image is not there any more.", "此固件已不存在。"],
  error_unknown_meter: ["The server does not know this meter.", "服务器不认识此表计。"],
  error_unknown_path: ["The server does not offer this.", "服务器不支持此功能。"],
  error_unknown_photo: ["This photo is not there any more.", "此照片已不存在。"],
  error_unknown_product: ["This product is not there any more.", "该产品已不存在。"],
  error_unknown_profile: ["There is no such profile any more.", "此配置集已不存在。"],
  error_unknown_reading: ["This reading is not there any more.", "此读数已不存在。"],
  error_unknown_schedule: ["This schedule is not there any more.", "此计划已不存在。"],
  error_unknown_session: ["This session has ended already.", "该会话已结束。"],
  error_unknown_sink: [
    "The server's settings do not turn this on any more.",
    "服务器设置中已不再启用此项。",
  ],
  error_unknown_token: ["This token is not there any more.", "该令牌已不存在。"],
  error_unknown_update: ["This update is not there any more.", "此更新已不存在。"],
  error_unknown_user: ["This user is not there any more.", "该用户已不存在。"],
  error_unknown_watch: ["This assignment is not there any more.", "此对应关系已不存在。"],
  error_update_open: ["Another update is still under way.", "另一个更新仍在进行中。"],
  error_wrong_dialect: ["This device cannot do that.", "此设备不支持该操作。"],
  error_wrong_password: ["The old password is wrong.", "旧密码错误。"],
  error_wrong_secret: ["The product or its secret is wrong.", "产品或其密钥错误。"],
  error_wrong_signature: [
    "This image is not signed by a key that the server knows.",
    "此固件的签名不属于服务器已知的密钥。",
  ],
  error_wrong_state: ["That is not possible now: {0}", "当前状态下无法操作：{0}"],
};

// What a test message or news met at the other end.
const of_sinks: Record<`trouble_${Exclude<SinkTrouble, "">}`, [en: string, zh: string]> = {
  trouble_no_answer: [
    "Nobody answers there, or the connection cannot be trusted: check address and port.",
    "对方没有应答或连接不可信：请检查地址和端口。",
  ],
  trouble_redirect: [
    "The address points to another one: set the final address.",
    "该地址被重定向：请设置最终地址。",
  ],
  trouble_not_let_in: [
    "The other end does not let the server in: check the secret, token or password.",
    "对方拒绝访问：请检查密钥、令牌或密码。",
  ],
  trouble_wrong_address: [
    "Somebody answers, but has no such address: check it.",
    "对方没有此地址：请检查。",
  ],
  trouble_not_taken: ["The other end does not take the message.", "对方不接受该消息。"],
  trouble_other: ["That did not work.", "操作失败。"],
};

// Sentences that leave nothing for the server's words to add.
export const says_all: ReadonlySet<string> = new Set([
  "error_unreachable", "error_login_required", "error_wrong_password", "error_device_disabled",
  "error_update_open", "error_no_devices", "error_csrf", "error_unknown_path", "error_empty_body",
]);

export const error_texts = {
  ...of_server,
  ...of_sinks,
  error_unreachable: [
    "The server does not answer. Check that it runs; this page tries again by itself.",
    "服务器没有响应。请检查服务器是否在运行；本页会自动重试。",
  ],
  error_changed: [
    "Somebody else has changed this meanwhile. What you typed is still here: look, then send " +
      "again. ({0})",
    "此项已被他人修改。您输入的内容仍在：请核对后再次提交。（{0}）",
  ],
  error_name_taken: ["This name is taken: choose another one.", "此名称已被使用：请另选一个。"],
  error_last_administrator: [
    "This is the last administrator of all meters: make another one first.",
    "这是最后一个管理全部表计的管理员：请先创建另一个。",
  ],
  error_flash_failed: [
    "The board was not flashed: {0}. Check the wiring, IO0 to ground and a reset, then try again.",
    "烧录失败：{0}。请检查接线，将 IO0 接地并复位后重试。",
  ],
  error_too_much: [
    "That is too much for a browser at once: choose a shorter time or one meter.",
    "数据过多，浏览器无法一次处理：请缩短时段或选择单个表计。",
  ],
  error_http_401: ["You are not logged in any more.", "您已退出登录。"],
  error_http_403: ["You may not do this.", "您没有此权限。"],
  error_http_429: [
    "The server has too much to do at the moment. Wait, then try again.",
    "服务器当前过于繁忙。请稍候再试。",
  ],
  error_other: ["That did not work: {0}", "操作失败：{0}"],
  error_detail: ["{0} ({1})", "{0}（{1}）"],
} satisfies Texts;
