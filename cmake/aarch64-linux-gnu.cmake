# Cross-compiles for 64-bit ARM with Debian's g++-aarch64-linux-gnu; CTest runs the programs under qemu-user-static.
# PISR_SYSROOT is a folder with the arm64 packages unpacked: tools/check_neon.sh makes it.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PISR_SYSROOT)

if(NOT IS_DIRECTORY "${PISR_SYSROOT}/usr")
  message(FATAL_ERROR "PISR_SYSROOT=${PISR_SYSROOT}: no packages there; tools/check_neon.sh unpacks them.")
endif()

# The C and C++ libraries are the compiler's own; everything else is found in the sysroot and nowhere else.
set(CMAKE_FIND_ROOT_PATH ${PISR_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CXX_FLAGS_INIT "-isystem ${PISR_SYSROOT}/usr/include/aarch64-linux-gnu")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${PISR_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
  ${PISR_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${PISR_SYSROOT}/usr/share/pkgconfig)

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu
  -E LD_LIBRARY_PATH=${PISR_SYSROOT}/usr/lib/aarch64-linux-gnu)
