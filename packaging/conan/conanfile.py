"""The recipe of Conan 2: conan create packaging/conan [-o "pisr/*:system_packages=True"]."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load
from conan.tools.gnu import PkgConfigDeps

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDERS = ("cmake", "core", "kernels", "nn", "packaging", "pisr", "tools")
FILES = ("CHANGELOG.md", "CMakeLists.txt", "LICENSE")


class Pisr(ConanFile):
    name = "pisr"
    description = "Super-resolution of images and video by tiny networks, on a tensor engine of its own"
    license = "Apache-2.0"
    topics = ("super-resolution", "image", "video", "neural-network")
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {
        "shared": [True, False],
        "fPIC": [True, False],
        "tbb": [True, False],
        "tiff": [True, False],
        "webp": [True, False],
        "isal": [True, False],
        "tools": [True, False],
        # Everything it needs comes from the system, e.g. from tools/install_deps.sh.
        "system_packages": [True, False],
    }
    default_options = {
        "shared": False,
        "fPIC": True,
        "tbb": True,
        "tiff": True,
        "webp": True,
        "isal": False,
        "tools": False,
        "system_packages": False,
    }
    implements = ["auto_shared_fpic"]

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "..", "..", "core", "version.h"))
        self.version = ".".join(re.findall(r"#define PISR_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))

    def export_sources(self):
        for folder in FOLDERS:
            copy(self, f"{folder}/*", SOURCES, self.export_sources_folder)
        for file in FILES:
            copy(self, file, SOURCES, self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)

    def requirements(self):
        if self.options.system_packages:
            return
        for package in ("eigen/3.4.0", "highway/1.2.0", "nlohmann_json/3.11.3", "libpng/1.6.44", "zlib/1.3.1",
                        "libjpeg-turbo/3.0.4"):
            self.requires(package)
        for option, package in (("tbb", "onetbb/2021.12.0"), ("tiff", "libtiff/4.6.0"), ("webp", "libwebp/1.4.0"),
                                ("isal", "isa-l/2.31.0"), ("tools", "cli11/2.4.2")):
            if self.options.get_safe(option):
                self.requires(package)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({
            "PISR_CUDA": "OFF",
            "PISR_MPI": "OFF",
            "PISR_TESTS": "OFF",
            "PISR_TOOLS": bool(self.options.tools),
            "PISR_ISAL": bool(self.options.isal),
            "PISR_TBB": bool(self.options.tbb),
            "PISR_TIFF": bool(self.options.tiff),
            "PISR_WEBP": bool(self.options.webp),
        })
        toolchain.generate()
        if not self.options.system_packages:
            CMakeDeps(self).generate()
            PkgConfigDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # Users find the package that the project itself installs.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "pisr"))
