// The texts of installing and flashing.
import type { Texts } from "./texts";

export const setup_texts = {
  step_install_device: ["Device", "设备"],
  step_install_aim: ["Aim", "对准"],
  step_install_photo: ["Photo", "拍照"],
  step_install_window: ["Window", "窗口"],
  step_install_layout: ["Wheels", "字轮"],
  step_install_confirm: ["First reading", "首次读数"],
  step_install_finished: ["Done", "完成"],
  device_name: ["Name of the device", "设备名称"],
  device_name_hint: ["As on its label; or choose one below", "见设备标签；或从下方选择"],
  device_not_here: [
    "{0} has not been heard from yet. Switch it on; this page sees it by itself.",
    "尚未收到 {0} 的消息。请接通电源；本页会自动发现。",
  ],
  newest_devices: ["New here:", "最近接入："],
  scan: ["Scan the label", "扫描标签"],
  scan_failed: ["The phone's camera cannot be used; type the name.", "无法使用手机摄像头；请手动输入名称。"],
  aim_step_about: [
    "Start the live frames and move the camera until the wheels are level, large and sharp.",
    "开始实时取景，移动相机，直到字轮水平、够大且清晰。",
  ],
  aim_step_smartdtu: [
    "This device has no live frames: go on, and look at the photo.",
    "此设备没有实时取景：请继续，并查看照片。",
  ],
  photo_step_about: ["Take a photo with the camera fixed in its place.", "固定好相机后拍一张照片。"],
  window_found: [
    "This window was found. Drag its corners if it is not around the wheels.",
    "已找到窗口。如未框住字轮，请拖动四角。",
  ],
  window_not_found: [
    "No window was found. Drag the corners around the wheels, or aim again.",
    "未找到窗口。请将四角拖到字轮四周，或重新对准。",
  ],
  window_right: ["The window is right", "窗口正确"],
  window_keep: ["Keep this window, take a new photo", "保存此窗口并重新拍照"],
  photo_again: ["Another photo", "重新拍照"],
  corner_0: ["Top left corner", "左上角"],
  corner_1: ["Top right corner", "右上角"],
  corner_2: ["Bottom right corner", "右下角"],
  corner_3: ["Bottom left corner", "左下角"],
  wheels_count_hint: ["Black and red ones together", "黑色和红色合计"],
  decimals_count_hint: ["Usually the red ones, or those after the comma", "通常为红色或小数点后的字轮"],
  confirm_about: [
    "Compare with the meter. A digit typed replaces the one at the cursor.",
    "请与表计核对。输入数字会替换光标处的数字。",
  ],
  confirm_reading: ["It reads so", "读数正确"],
  install_finished: ["{0} is being read.", "{0} 已开始抄读。"],
  install_another: ["Install another", "继续安装"],

  wiring: ["Wiring", "接线"],
  wiring_alt: [
    "A USB adapter and an ESP32-CAM: 5V to 5V, GND to GND, TXD to U0R which is GPIO3, RXD to U0T " +
      "which is GPIO1, and IO0 to GND while flashing",
    "USB 转串口与 ESP32-CAM：5V 接 5V，GND 接 GND，TXD 接 U0R（GPIO3），RXD 接 U0T（GPIO1），烧录时 IO0 接 GND",
  ],
  usb_adapter: ["USB adapter, 3.3 V", "USB 转串口 3.3 V"],
  while_flashing: ["to flash", "烧录时"],
  flash_step_wire: [
    "Wire the adapter as drawn; its data lines must be of 3.3 V.",
    "按图接线；适配器数据线电平必须为 3.3 V。",
  ],
  flash_step_reset: [
    "Connect IO0 with GND, then press RST: the board waits for a program.",
    "将 IO0 与 GND 相连，然后按 RST：开发板进入下载模式。",
  ],
  flash_step_files: [
    "Choose the files of the build and flash them, here or by command line.",
    "选择编译得到的文件并烧录，可在此处或用命令行。",
  ],
  flash_step_after: ["Take the wire from IO0 and press RST again.", "断开 IO0 的连线，再按一次 RST。"],
  flash_from_here: ["From this page", "在本页烧录"],
  flash_no_serial: [
    "This browser cannot use a serial port. Chrome or Edge on a computer can, when this page " +
      "comes from localhost or by HTTPS; or use the command line below.",
    "此浏览器不能使用串口。电脑上的 Chrome 或 Edge 可以，且本页须来自 localhost 或 HTTPS；也可使用下方命令行。",
  ],
  flash_files: ["Files of the build (.bin)", "编译文件（.bin）"],
  flash_offset: ["Address of {0} ({1} KiB)", "{0} 的地址（{1} KiB）"],
  offset_wanted: ["An address like 0x10000, a multiple of 0x1000", "地址形如 0x10000，且为 0x1000 的倍数"],
  flash_erase: ["Erase everything first, settings and photos too", "先擦除全部内容，包括设置和照片"],
  flash_now: ["Choose the port and flash", "选择串口并烧录"],
  flash_done: ["Flashed. Take the wire from IO0 and press RST.", "烧录完成。请断开 IO0 并按 RST。"],
  flash_log: ["What the tool says", "工具输出"],
  flash_by_command: ["By command line", "使用命令行"],
  flash_by_command_about: [
    "The same with esptool, in the folder of the files (on Windows COM3 or so instead of " +
      "/dev/ttyUSB0):",
    "在文件所在文件夹用 esptool 完成同样的操作（Windows 上用 COM3 等代替 /dev/ttyUSB0）：",
  ],
} satisfies Texts;
