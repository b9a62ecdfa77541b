#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/safetensors.h"
#include "kernels/export.h"
#include "pisr/model/network.h"
#include "pisr/model/teacher.h"

namespace pisr {

/// Weights on disk are safetensors files whose metadata say what they are: format_version,
/// architecture (a name of architectures.h; or "pisr_teacher", whose network is named by "decoder",
/// the first of the table where that is absent), scale, colour ("y" or "rgb"), the options of the
/// network, and notes of the training.
///
/// Weights that others trained are read too: recognised by names and shapes (foreign_weights.h),
/// without metadata (WeightsOptions then tells what they lack), and with what a framework puts
/// before the name of every tensor: "module.", "_orig_mod.", "params.", "params_ema.", which is
/// stripped. What shapes do not tell of such weights, as their padding, metadata may (see
/// untold_options.h).
///
/// Everything that loads throws Error(weights), one line that names the tensor or entry, what is
/// wanted and what was found, for another network, colour, scale or option, and for tensors that
/// are missing, unexpected, of another shape or not finite.

/// `notes` are added to the metadata, e.g. {"iterations", "50000"}; they cannot replace the entries
/// above. Values are stored as they are, f32 or f64. Throws Error(output) like write_safetensors.
PISR_API void save_weights(const std::filesystem::path& path, const ImageModel& model,
                           const std::map<std::string, std::string>& notes = {});

/// What is wanted of weights. A file that says otherwise is refused; one that does not say it is
/// taken to be what is wanted.
struct WeightsOptions {
  int scale = 0;                     ///< 0: any, which the file must then tell
  std::string architecture;          ///< of the network; empty: any, which the file must then tell
  std::string assumed_architecture;  ///< of a file that fits several where `architecture` is empty
  /// Options of the network, by name, e.g. {"replicate_padding", true}.
  std::map<std::string, OptionValue> options = {};
  /// Is told, in a line, how a file was read that is not quite as it should be; may be empty.
  std::function<void(const std::string&)> note;
};

/// A network or a teacher with f32 parameters. Throws Error(usage) for an unknown
/// WeightsOptions::architecture.
PISR_API std::unique_ptr<ImageModel> load_model(const std::filesystem::path& path,
                                                const WeightsOptions& wanted);
/// The same of a network alone, and of a teacher alone. A network is merged (SrNetwork::merged());
/// the decoder of a teacher is as it was trained, for a student starts from it.
PISR_API std::unique_ptr<SrNetwork> load_network(const std::filesystem::path& path,
                                                 const WeightsOptions& wanted);
PISR_API std::unique_ptr<Teacher> load_teacher(const std::filesystem::path& path,
                                               const WeightsOptions& wanted);
/// load_network of a file in memory; `name` stands for it in error texts.
PISR_API std::unique_ptr<SrNetwork> make_network(const SafeTensors& file, const std::string& name,
                                                 const WeightsOptions& wanted);

/// The same with a scale alone.
PISR_API std::unique_ptr<ImageModel> load_model(const std::filesystem::path& path, int scale = 0);
PISR_API std::unique_ptr<SrNetwork> load_network(const std::filesystem::path& path, int scale = 0);
PISR_API std::unique_ptr<Teacher> load_teacher(const std::filesystem::path& path, int scale = 0);
PISR_API std::unique_ptr<SrNetwork> make_network(const SafeTensors& file, const std::string& name,
                                                 int scale = 0);

/// Copies tensors[prefix + "." + parameter name] into every parameter of `module`, all or none;
/// with an empty prefix there is no dot. Every tensor below the prefix must be one of them. `name`
/// stands for the file in error texts.
PISR_API void load_parameters(Module& module, const std::map<std::string, Tensor>& tensors,
                              const std::string& prefix, const std::string& name);
/// The other direction: adds copies of all parameters of `module` to `tensors`.
PISR_API void store_parameters(const Module& module, const std::string& prefix,
                               std::map<std::string, Tensor>& tensors);

/// Weight transfer: copies every parameter of `from` into that of the same name in `to`. Throws
/// ShapeError unless names and shapes are the same.
PISR_API void copy_parameters(const Module& from, Module& to);

}  // namespace pisr
