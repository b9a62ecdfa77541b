#pragma once

/// PISR_CORE_API marks what libpisr_core exports, PISR_API what libpisr does. Everything else is
/// hidden, so that a program may have other symbols of the same names. PISR_STATIC is defined
/// where the libraries are archives.
#if defined(PISR_STATIC)
#define PISR_CORE_API
#define PISR_API
#elif defined(_WIN32)
#if defined(PISR_BUILDS_CORE)
#define PISR_CORE_API __declspec(dllexport)
#else
#define PISR_CORE_API __declspec(dllimport)
#endif
#if defined(PISR_BUILDS_PISR)
#define PISR_API __declspec(dllexport)
#else
#define PISR_API __declspec(dllimport)
#endif
#else
#define PISR_CORE_API __attribute__((visibility("default")))
#define PISR_API __attribute__((visibility("default")))
#endif
