# Packages by CPack, from the components of the installation: tools (programs), runtime (shared libraries) and development.
#   cmake --preset package && cmake --build --preset package && cpack --config build/package/CPackConfig.cmake
# packaging/README.md tells more, packaging/check_packages.sh tests what comes out.

if(NOT PISR_INSTALL)
  return()
endif()
include(GNUInstallDirs)
set(CPACK_PACKAGE_NAME pisr)
set(CPACK_PACKAGE_VENDOR "the pisr developers")
set(CPACK_PACKAGE_CONTACT "the pisr developers <pisr@example.org>" CACHE STRING "Maintainer named in packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "super-resolution of images and video by tiny networks")
set(CPACK_PACKAGE_DESCRIPTION "Networks that PISR or its peers train enlarge images and video, on a CPU or CUDA device.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
  WORLD_EXECUTE)
if(NOT CPACK_GENERATOR)
  set(CPACK_GENERATOR TGZ)
  find_program(PISR_DPKG_DEB dpkg-deb)
  if(PISR_DPKG_DEB)
    list(APPEND CPACK_GENERATOR DEB)
  endif()
endif()

# One archive, one Debian package a component.
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(runtime libpisr${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME pisr)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION graphics)
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "This package has the programs. pisr_upscale enlarges images and
video by a network whose weights are built in. pisr_train trains networks, and
distils them from a teacher that sees the high-resolution image. pisr_eval
measures them, pisr_report shows the results.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${runtime})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "This package has the library. It enlarges images and frames of
video in memory by networks with built-in weights, from C and C++.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libpisr-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
if(BUILD_SHARED_LIBS)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${runtime} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
endif()
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "This package has headers, and packages of CMake and
pkg-config, of the library and of the tensor engine below it.")

# Each Debian package has its copyright and changelogs.
configure_file(packaging/debian/changelog.in ${PROJECT_BINARY_DIR}/packaging/changelog.Debian @ONLY)
foreach(package tools:pisr runtime:${runtime} development:libpisr-dev)
  string(REPLACE ":" ";" package ${package})
  list(GET package 0 component)
  list(GET package 1 name)
  install(FILES packaging/debian/copyright CHANGELOG.md ${PROJECT_BINARY_DIR}/packaging/changelog.Debian
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${component})
endforeach()
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/debian/compress.cmake)
include(CPack)
