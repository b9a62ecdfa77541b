// To be preloaded: an ARM processor that has no AES, whatever it has.

#include <asm/hwcap.h>
#include <dlfcn.h>
#include <sys/auxv.h>

extern "C" unsigned long getauxval(unsigned long type) noexcept {
  using Function = unsigned long (*)(unsigned long);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getauxval"));
  const unsigned long value = real(type);
  return type == AT_HWCAP ? value & ~static_cast<unsigned long>(HWCAP_AES) : value;
}
