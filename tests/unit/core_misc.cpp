#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <csignal>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/stop_request.hpp"
#include "core/structure.hpp"
#include "core/units.hpp"

namespace haven {

TEST(Species, SymbolsAndNumbersAreInverse) {
  for (int z = 1; z <= max_atomic_number; ++z) EXPECT_EQ(atomic_number(element_symbol(z)), z);
  EXPECT_EQ(atomic_number("Li"), 3);
  EXPECT_EQ(atomic_number("li"), 0);
  EXPECT_THROW((void)element_symbol(0), InputError);
  EXPECT_NEAR(standard_mass(atomic_number("Li")), 6.94, 1e-9);
}

TEST(Error, MessageNamesWhereWhatAndRemedy) {
  const InputError error("the file ends inside ionic step 3", "OUTCAR:120", "Wait for VASP to finish.");
  EXPECT_STREQ(error.what(), "OUTCAR:120: the file ends inside ionic step 3\n  -> Wait for VASP to finish.");
  EXPECT_EQ(error.exit_code(), ExitCode::rejected);
}

TEST(Error, IoErrorSaysWhatTheSystemSaid) {
  const IoError error("cannot write the checkpoint", "run/state.h5", ENOSPC);
  EXPECT_NE(std::string(error.what()).find("No space left on device"), std::string::npos);
  EXPECT_NE(error.remedy().find("free some space"), std::string::npos);
  EXPECT_EQ(error.exit_code(), ExitCode::resource);
}

TEST(Structure, SupercellRepeatsAtomsAndCell) {
  Structure cell{
      .cell = Cell(Mat3{{{{2, 0, 0}, {1, 3, 0}, {0, 0, 4}}}}), .numbers = {3, 7}, .positions = {{0, 0, 0}, {1, 1, 1}}};
  const Structure big = supercell(cell, 2, 1, 3);
  EXPECT_EQ(big.size(), 12);
  EXPECT_DOUBLE_EQ(big.cell.volume(), 6 * cell.cell.volume());
  EXPECT_EQ(composition(big), "Li6 N6");
  EXPECT_EQ(big.positions[3], (Vec3{1, 1, 5}));
  EXPECT_THROW((void)supercell(cell, 0, 1, 1), ConfigError);
}

// 1 amu under 1 eV/A: 1.602176634e-19 J/1e-10 m / 1.66053906660e-27 kg = 9.6485e17 m/s^2 = 9.6485e-3 A/fs^2.
TEST(Units, AccelerationAndConductivityFactorsAreConsistent) {
  EXPECT_NEAR(units::force_to_acceleration, 9.64853321e-3, 1e-10);
  // sigma = N e^2 D/(V kB T): 24 Li in 1000 A^3 with D = 1e-5 cm^2/s at 300 K.
  const double sigma = units::conductivity_from_cm2_per_s * 24 * 1e-5 / (1000 * units::boltzmann * 300);
  const double si = 24 / 1e-27 * std::pow(1.602176634e-19, 2) * 1e-9 / (1.380649e-23 * 300) / 100;
  EXPECT_NEAR(sigma / si, 1.0, 1e-9);
}

TEST(StopRequest, NoticesSignalsAndTheWallLimit) {
  StopRequest stop;
  EXPECT_FALSE(stop.requested());
  stop.set_wall_limit(1e-9);
  EXPECT_TRUE(stop.requested());
  EXPECT_NE(stop.reason().find("time limit"), std::string::npos);
  stop.set_wall_limit(0);
  EXPECT_FALSE(stop.requested());
  std::raise(SIGUSR1);
  EXPECT_TRUE(stop.requested());
  EXPECT_NE(stop.reason().find("signal"), std::string::npos);
}

}  // namespace haven
