// The log-in.
import type { Texts } from "./texts";

export const login_texts = {
  log_in_title: ["Log in to Meterlens", "登录 Meterlens"],
  log_in: ["Log in", "登录"],
  log_out: ["Log out", "退出登录"],
  role_viewer: ["sees", "查看者"],
  role_reviewer: ["reviews", "审核员"],
  role_operator: ["operates", "操作员"],
  role_administrator: ["administers", "管理员"],
  user_name: ["Name", "用户名"],
  password: ["Password", "密码"],
  login_wrong: ["The name or the password is wrong.", "用户名或密码错误。"],
  login_wait: [
    "Too many wrong passwords. Wait a quarter of an hour, then try again.",
    "密码错误次数过多。请等待一刻钟后再试。",
  ],
  login_failed: ["The server could not judge the log-in. Try again.", "服务器无法处理登录。请重试。"],
} satisfies Texts;
