# What both cross toolchains share: no operating system, no C library, C++ headers of libstdc++ 12.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

set(libstdcxx /usr/include/c++/12)
file(GLOB libstdcxx_machine /usr/include/*/c++/12)
if(NOT EXISTS ${libstdcxx}/expected OR NOT libstdcxx_machine)
  message(FATAL_ERROR "${libstdcxx} is missing: install Debian 12's g++")
endif()
list(GET libstdcxx_machine 0 libstdcxx_machine)

string(JOIN " " freestanding_flags -ffreestanding -ffunction-sections -fdata-sections)
string(JOIN " " freestanding_cxx_flags ${freestanding_flags} -fno-exceptions -fno-rtti
  -fno-threadsafe-statics -nostdinc++ -isystem ${CMAKE_CURRENT_LIST_DIR}/freestanding
  -isystem ${libstdcxx} -isystem ${libstdcxx_machine})
set(CMAKE_CXX_FLAGS_MINSIZEREL_INIT "-Os")
