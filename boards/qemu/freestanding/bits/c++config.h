// libstdc++'s configuration, in its freestanding mode: Debian's was made for Linux on x86-64 and
// says that there is a C library and wide characters.
#pragma once
#include_next <bits/c++config.h>
#undef _GLIBCXX_HOSTED
#define _GLIBCXX_HOSTED 0
#undef _GLIBCXX_USE_WCHAR_T
