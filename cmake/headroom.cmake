# Flags shared by every target of the project.
add_library(headroom_flags INTERFACE)
target_include_directories(headroom_flags INTERFACE ${PROJECT_SOURCE_DIR})
# Strict C17 hides POSIX; the clock, mmap and isatty need it.
target_compile_definitions(headroom_flags INTERFACE _POSIX_C_SOURCE=200809L)
# Contracted multiply-adds would make two compilers disagree in the last bit.
target_compile_options(headroom_flags INTERFACE -ffp-contract=off -fno-math-errno)
target_compile_options(headroom_flags INTERFACE -Wall -Wextra)
# HDF5 names what any part of it needs; the parts used here need little of it.
target_link_options(headroom_flags INTERFACE LINKER:--as-needed)
if(HEADROOM_WERROR)
  target_compile_options(headroom_flags INTERFACE -Werror)
endif()
if(HEADROOM_CHECK)
  target_compile_definitions(headroom_flags INTERFACE HEADROOM_CHECK=1)
else()
  target_compile_definitions(headroom_flags INTERFACE HEADROOM_CHECK=0)
endif()
if(HEADROOM_SANITIZE)
  target_compile_options(headroom_flags INTERFACE
    -fsanitize=${HEADROOM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(headroom_flags INTERFACE -fsanitize=${HEADROOM_SANITIZE})
endif()

# For the program; the macros of the test framework would not pass these.
add_library(headroom_strict INTERFACE)
target_compile_options(headroom_strict INTERFACE
  -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wswitch-enum)

# headroom_layer(NAME SOURCES... LINK libs...): one folder, one static library `headroom_NAME`.
function(headroom_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(headroom_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(headroom_${name} PUBLIC headroom_flags ${ARG_LINK} PRIVATE headroom_strict)
endfunction()
