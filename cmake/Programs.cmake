# What comes with a program: its manual page and what shells complete, made by the program from its own options below
# share/ of the build folder, and the installation of all of it as the component `tools`.
include(GNUInstallDirs)
option(PISR_INSTALL "Install the libraries and programs" ${PROJECT_IS_TOP_LEVEL})

# pisr_program_files(PROGRAM) makes the pages of a target and installs it with them.
function(pisr_program_files program)
  set(made)
  foreach(page "man man/man1/${program}.1" "bash bash-completion/completions/${program}"
      "zsh zsh/site-functions/_${program}" "fish fish/vendor_completions.d/${program}.fish")
    string(REPLACE " " ";" page "${page}")
    list(GET page 0 kind)
    list(GET page 1 place)
    set(file ${PROJECT_BINARY_DIR}/share/${place})
    cmake_path(GET file PARENT_PATH folder)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${file} COMMAND ${program} --generate ${kind} > ${file} DEPENDS ${program}
      COMMENT "Generating share/${place}" VERBATIM)
    list(APPEND made ${file})
    if(PISR_INSTALL)
      cmake_path(GET place PARENT_PATH folder)
      set(destination ${CMAKE_INSTALL_DATADIR}/${folder})
      if(kind STREQUAL man)
        set(destination ${CMAKE_INSTALL_MANDIR}/man1)
      endif()
      install(FILES ${file} DESTINATION ${destination} COMPONENT tools)
    endif()
  endforeach()
  add_custom_target(${program}_pages ALL DEPENDS ${made})
  if(PISR_INSTALL)
    install(TARGETS ${program} RUNTIME COMPONENT tools)
  endif()
endfunction()
