#include "pisr/model/architectures.h"

#include "core/error.h"
#include "pisr/model/carn.h"
#include "pisr/model/drcn.h"
#include "pisr/model/drrn.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/idn.h"
#include "pisr/model/imdn.h"
#include "pisr/model/imdn_rtc.h"
#include "pisr/model/memnet.h"
#include "pisr/model/plain.h"
#include "pisr/model/srcnn.h"
#include "pisr/model/srfbn.h"
#include "pisr/model/vdsr.h"

namespace pisr {

std::span<const Architecture> architectures() {
  static const std::vector<Architecture> kTable = {
      fsrcnn_architecture(), plain_architecture(), srcnn_architecture(),    vdsr_architecture(),
      drcn_architecture(),   drrn_architecture(),  memnet_architecture(),   idn_architecture(),
      carn_architecture(),   imdn_architecture(),  imdn_rtc_architecture(), srfbn_architecture(),
  };
  return kTable;
}

const Architecture* find_architecture(const std::string& name) {
  for (const Architecture& row : architectures()) {
    if (name == row.name) {
      return &row;
    }
  }
  return nullptr;
}

const Architecture& architecture(const std::string& name) {
  const Architecture* const row = find_architecture(name);
  if (row == nullptr) {
    throw Error(ErrorKind::usage, message("network architecture must be one of ",
                                          architecture_names(), ", got '", name, "'"));
  }
  return *row;
}

std::string architecture_names() {
  std::string names;
  for (const Architecture& row : architectures()) {
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  return names;
}

NetworkSpec default_spec() {
  return default_spec(architectures().front().name);
}

NetworkSpec default_spec(const std::string& name) {
  NetworkSpec spec;
  spec.architecture = name;
  return completed(spec);
}

NetworkSpec completed(const NetworkSpec& spec) {
  const Architecture& row = architecture(spec.architecture);
  NetworkSpec result = completed(spec, row.options, row.channels);
  if (result.scale == 1) {
    throw Error(ErrorKind::usage, message(spec.architecture, ": scale must be in 2..4, got 1"));
  }
  return result;
}

std::unique_ptr<SrNetwork> make_network(const NetworkSpec& spec) {
  return architecture(spec.architecture).make(completed(spec));
}

std::unique_ptr<SrNetwork> make_network_of_truth(const NetworkSpec& spec) {
  const Architecture& row = architecture(spec.architecture);
  if (!row.keeps_size) {
    throw Error(ErrorKind::usage,
                message(spec.architecture, ": has no form that keeps the size of the image"));
  }
  NetworkSpec of_truth = completed(spec);
  of_truth.scale = 1;
  return row.make(of_truth);
}

std::string title(const NetworkSpec& spec) {
  return architecture(spec.architecture).title(completed(spec));
}

}  // namespace pisr
