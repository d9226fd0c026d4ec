# Xtensa lx106 (the core of the ESP8266; call0 functions), by Debian's GCC, which has no C library.
include(${CMAKE_CURRENT_LIST_DIR}/freestanding.cmake)
set(CMAKE_SYSTEM_PROCESSOR xtensa)
set(CMAKE_C_COMPILER xtensa-lx106-elf-gcc)
set(CMAKE_CXX_COMPILER xtensa-lx106-elf-g++)
set(CMAKE_C_FLAGS_INIT "-mlongcalls ${freestanding_flags}")
set(CMAKE_CXX_FLAGS_INIT "-mlongcalls ${freestanding_cxx_flags}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -Wl,--gc-sections")
set(CMAKE_CXX_STANDARD_LIBRARIES_INIT "-lgcc")
