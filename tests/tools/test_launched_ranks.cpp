#include <cstdlib>
#include <map>
#include <string>

#include "core/job/launched_ranks.h"
#include "tests/catch.h"
#include "tests/thrown.h"
#include "tests/tools/training_workplace.h"

using namespace pisr;

namespace {

/// What launched_ranks() says where of its variables these alone are set.
int ranks_with(const std::map<std::string, std::string>& variables) {
  for (const char* name : {"PISR_MPI", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE",
                           "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}) {
    const auto found = variables.find(name);
    if (found == variables.end()) {
      unsetenv(name);
    } else {
      setenv(name, found->second.c_str(), 1);
    }
  }
  const int ranks = launched_ranks();
  for (const auto& [name, value] : variables) {
    unsetenv(name.c_str());
  }
  return ranks;
}

}  // namespace

TEST_CASE("how many processes were started, by what starts them", "[tools][ranks]") {
  CHECK(ranks_with({}) == 1);
  CHECK(ranks_with({{"OMPI_COMM_WORLD_SIZE", "4"}}) == 4);
  CHECK(ranks_with({{"PMI_SIZE", "3"}}) == 3);
  CHECK(ranks_with({{"MV2_COMM_WORLD_SIZE", "2"}}) == 2);
  CHECK(ranks_with({{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "8"}}) == 8);
  // mpirun in a script of Slurm.
  CHECK(ranks_with({{"OMPI_COMM_WORLD_SIZE", "4"},
                    {"SLURM_PROCID", "0"},
                    {"SLURM_STEP_NUM_TASKS", "1"}}) == 4);
  // A script of Slurm that starts one program itself.
  CHECK(ranks_with({{"SLURM_STEP_NUM_TASKS", "8"}}) == 1);
  CHECK(ranks_with({{"SLURM_PROCID", "0"}}) == 1);
  CHECK(ranks_with({{"OMPI_COMM_WORLD_SIZE", "many"}}) == 1);
  CHECK(ranks_with({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PISR_MPI", "off"}}) == 1);
  CHECK(ranks_with({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PISR_MPI", "on"}}) == 4);
}

TEST_CASE("pisr_train: a process that cannot meet the others of its job trains nothing",
          "[tools][ranks]") {
  const Workplace place;
  const std::string program = PISR_PROGRAMS "/pisr_train";
  const std::vector<std::string> arguments = {"-c", "small.json", "-q", "--out", "run"};
  const ProgramRun lost = run_command(place.path(), "OMPI_COMM_WORLD_SIZE=2", program, arguments);
  INFO(lost.err);
  CHECK(lost.code == 2);
  CHECK(contains(lost.err, "pisr_train: error: this is one of 2 processes of a job, but "));
  CHECK_FALSE(std::filesystem::exists(place.path() / "run"));
  CHECK(run_command(place.path(), "OMPI_COMM_WORLD_SIZE=2 PISR_MPI=off", program, arguments).code ==
        0);
}
