# What is built of the objects of the layers. A library NAME is a target twice: NAME is for users, static or shared,
# exports what kernels/export.h marks, and shows the headers as <pisr/...>. NAME_internal is for the programs, tests and
# benchmarks of the project: static, with everything, and the headers by their place in the sources.

# pisr_library(NAME OBJECTS...) makes both, and the alias pisr::... for users.
function(pisr_library name)
  add_library(${name} ${ARGN})
  string(REGEX REPLACE "^pisr_" "" short ${name})
  add_library(pisr::${short} ALIAS ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${short} VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_compile_features(${name} INTERFACE cxx_std_20)
  target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
  if(NOT BUILD_SHARED_LIBS)
    target_compile_definitions(${name} INTERFACE PISR_STATIC)
  elseif(UNIX AND NOT APPLE AND NOT PISR_SANITIZE)
    # What the standard library's templates make of our types is exported otherwise.
    set(script ${PROJECT_SOURCE_DIR}/cmake/exported_symbols.map)
    target_link_options(${name} PRIVATE "LINKER:--version-script=${script}" "LINKER:--no-undefined")
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${script})
  endif()
  add_library(${name}_internal STATIC EXCLUDE_FROM_ALL ${ARGN})
  target_include_directories(${name}_internal PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

# pisr_link(NAME LIBRARIES...): what both link and users do not see.
function(pisr_link name)
  target_link_libraries(${name} PRIVATE ${ARGN})
  target_link_libraries(${name}_internal PRIVATE ${ARGN})
endfunction()

# pisr_public_headers(NAME HEADERS...): these headers and what they include, to be included as <pisr/...>. They are copied
# to include/pisr in the build folder, where their own includes have such names too. The list is the target's property
# PISR_HEADERS.
function(pisr_public_headers name)
  set(waiting ${ARGN})
  set(done)
  while(waiting)
    list(POP_FRONT waiting header)
    if(header IN_LIST done)
      continue()
    endif()
    list(APPEND done ${header})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} includes REGEX "^#include \"")
    list(TRANSFORM includes REPLACE "^#include \"(.*)\".*" "\\1")
    list(APPEND waiting ${includes})
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
    pisr_installed_name(${header} installed)
    file(READ ${PROJECT_SOURCE_DIR}/${header} text)
    foreach(include IN LISTS includes)
      pisr_installed_name(${include} place)
      string(REPLACE "#include \"${include}\"" "#include \"${place}\"" text "${text}")
    endforeach()
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/include/${installed} CONTENT "${text}" @ONLY)
  endwhile()
  set_property(TARGET ${name} PROPERTY PISR_HEADERS ${done})
endfunction()

# pisr_installed_name(HEADER VARIABLE): core/tape.h is <pisr/core/tape.h>. What every user includes lies at the top.
function(pisr_installed_name header variable)
  if(header STREQUAL "core/version.h")
    set(${variable} pisr/version.h PARENT_SCOPE)
  elseif(header MATCHES "^pisr/library/(.*)")
    set(${variable} pisr/${CMAKE_MATCH_1} PARENT_SCOPE)
  elseif(header MATCHES "^pisr/")
    set(${variable} ${header} PARENT_SCOPE)
  else()
    set(${variable} pisr/${header} PARENT_SCOPE)
  endif()
endfunction()
