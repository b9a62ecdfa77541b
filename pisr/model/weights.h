#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/safetensors.h"
#include "pisr/model/network.h"
#include "pisr/model/teacher.h"

namespace pisr {

/// Weights on disk are safetensors files whose metadata say what they are: format_version,
/// architecture (a name of architectures.h; or "pisr_teacher", whose network is named by "decoder",
/// the first of the table where that is absent), scale, colour ("y"), the options of the network,
/// and notes of the training.
///
/// Everything that loads throws Error(weights), one line that names the tensor or entry, what is
/// wanted and what was found, for another network, colour or scale, and for tensors that are
/// missing, unexpected, of another shape or not finite.

/// `notes` are added to the metadata, e.g. {"iterations", "50000"}; they cannot replace the entries
/// above. Values are stored as they are, f32 or f64. Throws Error(output) like write_safetensors.
void save_weights(const std::filesystem::path& path, const ImageModel& model,
                  const std::map<std::string, std::string>& notes = {});

/// A network or a teacher with f32 parameters. `scale` 0 takes any. Understands also the layouts of
/// published weights that an architecture recognises.
std::unique_ptr<ImageModel> load_model(const std::filesystem::path& path, int scale = 0);
/// The same of a network alone, and of a teacher alone.
std::unique_ptr<SrNetwork> load_network(const std::filesystem::path& path, int scale = 0);
std::unique_ptr<Teacher> load_teacher(const std::filesystem::path& path, int scale = 0);
/// load_network of a file in memory; `name` stands for it in error texts.
std::unique_ptr<SrNetwork> make_network(const SafeTensors& file, const std::string& name,
                                        int scale = 0);

/// Copies tensors[prefix + "." + parameter name] into every parameter of `module`, all or none;
/// with an empty prefix there is no dot. Every tensor below the prefix must be one of them. `name`
/// stands for the file in error texts.
void load_parameters(Module& module, const std::map<std::string, Tensor>& tensors,
                     const std::string& prefix, const std::string& name);
/// The other direction: adds copies of all parameters of `module` to `tensors`.
void store_parameters(const Module& module, const std::string& prefix,
                      std::map<std::string, Tensor>& tensors);

/// Weight transfer: copies every parameter of `from` into that of the same name in `to`. Throws
/// ShapeError unless names and shapes are the same.
void copy_parameters(const Module& from, Module& to);

}  // namespace pisr
