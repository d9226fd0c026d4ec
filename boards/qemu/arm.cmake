# ARM Cortex-M3 without an operating system, by the clang and lld that fuzzing needs anyway:
# Debian's GCC for ARM takes 465 MB, its C++ library 2.5 GB. Each function's stack is recorded in
# the program itself, for figures.py.
include(${CMAKE_CURRENT_LIST_DIR}/freestanding.cmake)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_C_COMPILER_TARGET thumbv7m-none-eabi)
set(CMAKE_CXX_COMPILER_TARGET thumbv7m-none-eabi)
set(CMAKE_AR ar)
set(CMAKE_RANLIB ranlib)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m3 ${freestanding_flags}")
set(CMAKE_CXX_FLAGS_INIT "-mcpu=cortex-m3 -fstack-size-section ${freestanding_cxx_flags}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -fuse-ld=lld -Wl,--gc-sections -Wl,--emit-relocs")
