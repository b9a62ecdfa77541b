#pragma once

#include <map>
#include <string>

#include "pisr/model/metadata.h"
#include "pisr/model/weights.h"

/// What the metadata of weights say of their network. Errors are Error(weights) and name the file.
namespace pisr {

inline constexpr const char* kTeacherArchitecture = "pisr_teacher";

/// Metadata of weights of ours; `notes` cannot replace what they say of the network.
std::map<std::string, std::string> describe(const ImageModel& model,
                                            const std::map<std::string, std::string>& notes);

/// Whether they are of weights that save_weights() wrote.
bool are_ours(const Metadata& metadata);
/// Of weights of ours: the spec of the network, or of the teacher's decoder.
NetworkSpec described_spec(const Metadata& metadata, bool teacher);
/// Of a teacher of ours: Teacher::hourglass().
bool has_hourglass(const Metadata& metadata);

/// The name of a network of the table, if they have one; otherwise empty.
std::string known_architecture(const Metadata& metadata);
/// The scale that they tell, if it is a single one; otherwise the one that is wanted.
int known_scale(const Metadata& metadata, int wanted);
/// The scale that is wanted of weights for several, or the only one; fails where neither is told.
int scale_of(const Metadata& metadata, int wanted);

/// Of weights that others published: fails where the metadata tell an architecture of the table, a
/// single scale, a colour, a range of values or a padding that is not the network's.
void check_claims(const Metadata& metadata, const NetworkSpec& spec);

}  // namespace pisr
