# How lwtui has llama.cpp compiled: libllama and ggml alone, which is all that it calls (80 of about 185 objects). Given to
# the build of llama-cpp-python as
#   CMAKE_ARGS="-DLLAVA_BUILD=OFF -DCMAKE_PROJECT_llama.cpp_INCLUDE=/absolute/path/to/llama_cpp.cmake"
# CMake reads it when it comes to llama.cpp's own project(), after llama-cpp-python has forced other values.

set(LLAMA_BUILD_COMMON OFF)

# GCC's _tile_loadconfig() declares that it reads 8 bytes of the 64 that it does read, so the optimizer drops the rest as
# never used, and a processor with AMX stops at the first tile instruction ("Illegal instruction"). This one declares all.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    file(WRITE "${CMAKE_BINARY_DIR}/amx_tile_config.h" [[
#if defined(__AMX_TILE__) && defined(__x86_64__)
#include <immintrin.h>
static inline void load_whole_tile_config(const void *config) {
    __asm__ volatile("ldtilecfg %0" : : "m"(*(const char(*)[64])config));
}
#define _tile_loadconfig load_whole_tile_config
#endif
]])
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include ${CMAKE_BINARY_DIR}/amx_tile_config.h>")
endif()
