// What libstdc++'s Linux configuration asks of glibc's <features.h>: there is no glibc.
#pragma once
#define __GLIBC_PREREQ(major, minor) 0
