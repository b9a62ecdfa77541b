# Installs the libraries, the headers <pisr/...>, the package of CMake and those of pkg-config. Nothing of it holds the
# prefix, so that an installation can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS pisr_core EXPORT pisr-core
  RUNTIME COMPONENT runtime LIBRARY COMPONENT runtime NAMELINK_COMPONENT development ARCHIVE COMPONENT development)
install(TARGETS pisr EXPORT pisr-pisr
  RUNTIME COMPONENT runtime LIBRARY COMPONENT runtime NAMELINK_COMPONENT development ARCHIVE COMPONENT development)
set_target_properties(pisr PROPERTIES INSTALL_RPATH "$ORIGIN")
foreach(library pisr_core pisr)
  get_target_property(headers ${library} PISR_HEADERS)
  foreach(header IN LISTS headers)
    pisr_installed_name(${header} installed)
    cmake_path(GET installed PARENT_PATH folder)
    install(FILES ${PROJECT_BINARY_DIR}/include/${installed} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder}
      COMPONENT development)
  endforeach()
endforeach()

# What a program is linked with beside an archive: for pkg-config, and for CMake's package, where NAME:MODULE:... is what
# makes the target PkgConfig::NAME.
set(core_packages libhwy)
set(PISR_NEEDS_TBB OFF)
set(pisr_packages libpng libjpeg zlib)
set(PISR_PKG_CONFIG_LIBRARIES)
if(TARGET TBB::tbb)
  list(APPEND core_packages tbb)
  set(PISR_NEEDS_TBB ON)
endif()
if(TARGET PkgConfig::isal)
  list(APPEND pisr_packages libisal)
  list(APPEND PISR_PKG_CONFIG_LIBRARIES isal:libisal)
endif()
if(PISR_HAS_TIFF)
  list(APPEND pisr_packages libtiff-4)
  list(APPEND PISR_PKG_CONFIG_LIBRARIES TIFF:libtiff-4)
endif()
if(PISR_HAS_WEBP)
  list(APPEND pisr_packages libwebp libwebpdemux libwebpmux)
  list(APPEND PISR_PKG_CONFIG_LIBRARIES WEBP:libwebp:libwebpdemux:libwebpmux)
endif()
list(JOIN core_packages " " core_packages)
list(JOIN pisr_packages " " pisr_packages)
list(JOIN PISR_PKG_CONFIG_LIBRARIES " " PISR_PKG_CONFIG_LIBRARIES)
set(static_definition)
set(PISR_IS_STATIC OFF)
if(NOT BUILD_SHARED_LIBS)
  set(static_definition " -DPISR_STATIC")
  set(PISR_IS_STATIC ON)
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/pisr)
install(EXPORT pisr-core NAMESPACE pisr:: FILE pisr-core.cmake DESTINATION ${package} COMPONENT development)
install(EXPORT pisr-pisr NAMESPACE pisr:: FILE pisr-pisr.cmake DESTINATION ${package} COMPONENT development)
configure_package_config_file(cmake/pisr-config.cmake.in ${PROJECT_BINARY_DIR}/pisr-config.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pisr-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pisr-config.cmake ${PROJECT_BINARY_DIR}/pisr-config-version.cmake
  DESTINATION ${package} COMPONENT development)

# An archive holds the runtime of CUDA no more than it holds oneTBB. Where it lies is the machine's, and
# pkg-config --define-variable=cuda_libdir=... names another folder.
set(cuda_folder)
set(cuda_libraries)
if(PISR_BUILD_CUDA)
  get_target_property(cuda_archive CUDA::cudart_static IMPORTED_LOCATION)
  cmake_path(GET cuda_archive PARENT_PATH cuda_folder)
  set(cuda_folder "cuda_libdir=${cuda_folder}\n")
  set(cuda_libraries " -L\${cuda_libdir} -lcudart_static -lrt")
endif()
file(RELATIVE_PATH prefix_from_here /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" prefix_from_here ${prefix_from_here})
foreach(library pisr-core pisr)
  configure_file(cmake/${library}.pc.in ${PROJECT_BINARY_DIR}/${library}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
