#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "analysis/displacements.hpp"
#include "core/error.hpp"
#include "io/position_reader.hpp"
#include "physics/analysis_walks.hpp"
#include "support/file_bytes.hpp"
#include "support/h5md_example.hpp"
#include "support/shared_data.hpp"
#include "support/xtc_examples.hpp"

/// Trajectories of other programs. Files of binary formats were made by other programs, or follow their documentation
/// byte by byte here.
namespace haven {
namespace {

using testing::FastRandom;
using testing::put;
using testing::TemporaryFolder;

const Mat3 tilted{{{{12, 0, 0}, {2, 11, 0}, {-1.5, 3, 10}}}};
const std::vector<int> elements{3, 3, 3, 16, 16};

/// A walk of three Li that leaves the cell, over two S that vibrate.
std::vector<std::vector<Vec3>> walk(int frames) {
  FastRandom random(5);
  std::vector<Vec3> r{{1, 2, 3}, {4, 4, 4}, {6, 7, 8}, {0.5, 0.5, 0.5}, {7, 5, 2}};
  const std::vector<Vec3> start = r;
  std::vector<std::vector<Vec3>> out;
  for (int t = 0; t < frames; ++t) {
    for (std::size_t i = 0; i < 3; ++i) r[i] += Vec3{0.3 + 0.4 * random.normal(), 0.4 * random.normal(), -0.3};
    for (std::size_t i = 3; i < 5; ++i) r[i] = start[i] + 0.1 * Vec3{random.normal(), random.normal(), random.normal()};
    out.push_back(r);
  }
  return out;
}

Vec3 wrapped(const Cell& cell, const Vec3& r) {
  const LatticeShift shift = cell.wrapping_shift(r);
  return r + cell.translation(shift);
}

IonTracks tracks_of(const std::string& path, const TrajectoryReading& reading) {
  return collect_tracks(*open_trajectory(path, reading), {.mobile = {3}});
}

/// The displacement of the Li relative to the S, whatever the format rounds away.
void expect_walk(const IonTracks& tracks, const std::vector<std::vector<Vec3>>& truth, double tolerance) {
  ASSERT_EQ(tracks.n_frames, static_cast<Index>(truth.size()));
  ASSERT_EQ(tracks.n_ions(), 3);
  for (std::size_t t = 0; t < truth.size(); ++t)
    for (std::size_t i = 0; i < 3; ++i) {
      const Vec3 host = 0.5 * (truth[t][3] + truth[t][4] - truth[0][3] - truth[0][4]);
      const Vec3 expected = truth[t][i] - truth[0][i] - host;
      for (int k = 0; k < 3; ++k) {
        const auto& series = tracks.series[3 * i + static_cast<std::size_t>(k)];
        EXPECT_NEAR(series[t] - series[0], expected[k], tolerance) << t << " " << i << " " << k;
      }
    }
}

enum class Columns { wrapped, scaled_with_images, unwrapped, scaled_unwrapped };

/// LAMMPS text dump of a tilted box whose corner is not the origin; atoms in changing order.
std::string dump_text(const std::vector<std::vector<Vec3>>& frames, Columns columns, const std::string& head = "") {
  const Cell cell(tilted);
  const Vec3 corner{-3, 1, 2};
  std::string text = head;
  for (std::size_t t = 0; t < frames.size(); ++t) {
    text += fmt::format("ITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n5\nITEM: BOX BOUNDS xy xz yz pp pp pp\n", 50 * t);
    const double xy = 2, xz = -1.5, yz = 3;
    text +=
        fmt::format("{} {} {}\n{} {} {}\n{} {} {}\n", corner.x + std::min(xz, 0.0), corner.x + 12 + std::max(xy, 0.5),
                    xy, corner.y, corner.y + 11 + yz, xz, corner.z, corner.z + 10, yz);
    const char* names = columns == Columns::wrapped            ? "x y z"
                        : columns == Columns::unwrapped        ? "xu yu zu"
                        : columns == Columns::scaled_unwrapped ? "xsu ysu zsu"
                                                               : "xs ys zs ix iy iz";
    text += fmt::format("ITEM: ATOMS mol id {} type\n", names);
    for (std::size_t n = 0; n < 5; ++n) {
      const std::size_t i = (n + t) % 5;
      const Vec3 r = frames[t][i], inside = wrapped(cell, r), s = cell.to_fractional(r),
                 folded = cell.to_fractional(inside);
      const LatticeShift shift = cell.wrapping_shift(r);
      std::string position;
      if (columns == Columns::wrapped)
        position = fmt::format("{} {} {}", inside.x + corner.x, inside.y + corner.y, inside.z + corner.z);
      if (columns == Columns::unwrapped)
        position = fmt::format("{} {} {}", r.x + corner.x, r.y + corner.y, r.z + corner.z);
      if (columns == Columns::scaled_unwrapped) position = fmt::format("{} {} {}", s.x, s.y, s.z);
      if (columns == Columns::scaled_with_images)
        position = fmt::format("{} {} {} {} {} {}", folded.x, folded.y, folded.z, -shift.a, -shift.b, -shift.c);
      text += fmt::format("1 {} {} {}\n", 10 + i, position, elements[i] == 3 ? 1 : 2);
    }
  }
  return text;
}

const TrajectoryReading lammps_reading{.timestep_fs = 2, .temperature_K = 600, .types = {"Li", "S"}};

template <class T>
void append(std::string& bytes, T value, bool swap) {
  std::array<char, sizeof(T)> raw{};
  std::memcpy(raw.data(), &value, sizeof(T));
  if (swap) std::reverse(raw.begin(), raw.end());
  bytes.append(raw.data(), raw.size());
}

struct DcdShape {
  bool swap = false, cosines = false, fixed_host = false, cell = true;
};

/// DCD after the description of CHARMM: records of 84, titles, atoms, frames.
std::string dcd_bytes(const std::vector<std::vector<Vec3>>& frames, const DcdShape& shape) {
  std::string out;
  const auto record = [&](const std::string& content) {
    append(out, static_cast<std::int32_t>(content.size()), shape.swap);
    out += content;
    append(out, static_cast<std::int32_t>(content.size()), shape.swap);
  };
  std::string head = "CORD";
  std::array<std::int32_t, 20> settings{};
  settings[0] = static_cast<std::int32_t>(frames.size()), settings[8] = shape.fixed_host ? 2 : 0;
  settings[10] = shape.cell ? 1 : 0, settings[19] = 24;
  for (const std::int32_t value : settings) append(head, value, shape.swap);
  record(head);
  std::string title;
  append(title, std::int32_t{1}, shape.swap);
  record(title + std::string(80, ' '));
  std::string atoms;
  append(atoms, std::int32_t{5}, shape.swap);
  record(atoms);
  if (shape.fixed_host) {
    std::string list;
    for (const std::int32_t atom : {1, 2, 3}) append(list, atom, shape.swap);
    record(list);
  }
  const Vec3 a = tilted[0], b = tilted[1], c = tilted[2];
  const double alpha = dot(b, c) / norm(b) / norm(c), beta = dot(a, c) / norm(a) / norm(c),
               gamma = dot(a, b) / norm(a) / norm(b);
  const auto angle = [&](double cosine) { return shape.cosines ? cosine : std::acos(cosine) * 180 / M_PI; };
  for (std::size_t t = 0; t < frames.size(); ++t) {
    std::string cell;
    for (const double value : {norm(a), angle(gamma), norm(b), angle(beta), angle(alpha), norm(c)})
      append(cell, value, shape.swap);
    if (shape.cell) record(cell);
    for (int k = 0; k < 3; ++k) {
      std::string axis;
      for (std::size_t i = 0; i < (shape.fixed_host && t > 0 ? 3U : 5U); ++i)
        append(axis, static_cast<float>(wrapped(Cell(tilted), frames[t][i])[k]), shape.swap);
      record(axis);
    }
  }
  return out;
}

std::string from_hex(const char* text) {
  std::string bytes;
  for (const char* c = text; *c != 0; c += 2) bytes += static_cast<char>(std::stoi(std::string(c, 2), nullptr, 16));
  return bytes;
}

std::string poscar() {
  return "x\n1\n12 0 0\n2 11 0\n-1.5 3 10\nLi S\n3 2\nDirect\n0 0 0\n.1 .1 .1\n.2 .2 .2\n.3 .3 .3\n.4 .4 .4\n";
}

}  // namespace

TEST(LammpsDump, AllPositionColumnsGiveTheSameWalk) {
  const TemporaryFolder folder;
  const auto frames = walk(60);
  for (const Columns columns :
       {Columns::wrapped, Columns::scaled_with_images, Columns::unwrapped, Columns::scaled_unwrapped}) {
    SCOPED_TRACE(static_cast<int>(columns));
    const std::string path = folder.file(fmt::format("dump{}", static_cast<int>(columns)));
    put(path, dump_text(frames, columns));
    const IonTracks tracks = tracks_of(path, lammps_reading);
    expect_walk(tracks, frames, 1e-9);
    EXPECT_DOUBLE_EQ(tracks.interval_ps, 0.1);
    EXPECT_EQ(tracks.wrapping, columns == Columns::wrapped ? Wrapping::wrapped : Wrapping::unwrapped);
  }
}

TEST(LammpsDump, ElementsComeFromTheirColumnOrTheMass) {
  const TemporaryFolder folder;
  const std::string head = "ITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n";
  std::string elements_text, mass_text;
  for (int t = 0; t < 3; ++t) {
    elements_text += fmt::format(fmt::runtime(head), t) + "ITEM: ATOMS id element x y z\n1 Li 1 1 1\n2 S 3 3 3\n";
    mass_text += fmt::format(fmt::runtime(head), t) + "ITEM: ATOMS id mass x y z\n1 6.94 1 1 1\n2 32.06 3 3 3\n";
  }
  put(folder.file("a"), elements_text), put(folder.file("b"), mass_text);
  for (const char* name : {"a", "b"})
    EXPECT_EQ(open_trajectory(folder.file(name), {.timestep_fs = 1})->info().numbers, (std::vector<int>{3, 16}))
        << name;
}

TEST(LammpsDump, TimeAndVelocitiesNeedStatedUnits) {
  const TemporaryFolder folder;
  std::string text = "ITEM: UNITS\nmetal\n";
  for (int t = 0; t < 3; ++t)
    text += fmt::format(
        "ITEM: TIME\n{}\nITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n"
        "ITEM: ATOMS id element x y z vx vy vz\n1 Li 1 1 1 2 3 4\n",
        0.5 * t, 100 * t);
  put(folder.file("dump"), text);
  const auto source = open_trajectory(folder.file("dump"), {});
  TrajectoryFrame frame;
  ASSERT_TRUE(source->next(frame) && source->next(frame));
  EXPECT_DOUBLE_EQ(frame.time_fs, 500);
  EXPECT_DOUBLE_EQ(frame.velocities.at(0).y, 3e-3);
  put(folder.file("lj"), "ITEM: UNITS\nlj\n" + text.substr(18));
  EXPECT_THROW(static_cast<void>(open_trajectory(folder.file("lj"), {})), InputError);
}

TEST(LammpsDump, AsksForWhatTheFileDoesNotSay) {
  const TemporaryFolder folder;
  put(folder.file("dump"), dump_text(walk(3), Columns::unwrapped));
  const auto message = [&](const TrajectoryReading& reading) -> std::string {
    try {
      static_cast<void>(open_trajectory(folder.file("dump"), reading));
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(message({.types = {"Li", "S"}}).find("--timestep"), std::string::npos);
  EXPECT_NE(message({.timestep_fs = 1}).find("--types"), std::string::npos);
  EXPECT_EQ(message(lammps_reading), "no error");
  EXPECT_THROW(static_cast<void>(open_trajectory(folder.file("dump"), {.timestep_fs = 1, .types = {"Li"}})),
               InputError);
}

TEST(LammpsDump, RepeatedFramesOfARestartAreLeftOutAndACutOneIsToo) {
  const TemporaryFolder folder;
  const auto frames = walk(8);
  std::string text = dump_text(frames, Columns::unwrapped);
  const std::size_t third = text.find("ITEM: TIMESTEP\n100"), fourth = text.find("ITEM: TIMESTEP\n150");
  text.insert(fourth, text.substr(third, fourth - third));
  text += "ITEM: TIMESTEP\n400\nITEM: NUMBER OF ATOMS\n5\nITEM: BOX BO";
  put(folder.file("dump"), text);
  const IonTracks tracks = tracks_of(folder.file("dump"), lammps_reading);
  expect_walk(tracks, frames, 1e-9);
  ASSERT_EQ(tracks.remarks.size(), 3U);  // units not stated, the cut frame, the repeated one
  EXPECT_NE(tracks.remarks[1].find("left out"), std::string::npos);
  EXPECT_NE(tracks.remarks[2].find("repeated"), std::string::npos);
}

TEST(LammpsDump, RefusesChangingAtoms) {
  const TemporaryFolder folder;
  const std::string text = dump_text(walk(3), Columns::unwrapped);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.rfind(from), from.size(), to);
    put(folder.file("dump"), changed);
    EXPECT_THROW(static_cast<void>(tracks_of(folder.file("dump"), lammps_reading)), InputError) << from << " " << to;
  };
  refused("\n1 11 ", "\n1 12 ");
  refused("\n1 11 ", "\n1 77 ");
  refused("NUMBER OF ATOMS\n5", "NUMBER OF ATOMS\n4");
  refused("mol id", "mol ia");
}

// A box shrunk around the atoms along an open axis moves nobody.
TEST(LammpsDump, AnOpenAxisKeepsItsFirstMeasure) {
  const TemporaryFolder folder;
  std::string text;
  for (int t = 0; t < 4; ++t)
    text += fmt::format(
        "ITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp ss\n0 9\n0 9\n{} {}\n"
        "ITEM: ATOMS id element x y z\n1 Li 1 1 1\n2 S 3 3 {}\n",
        t, 1 - t, 5 + t, 4);
  put(folder.file("dump"), text);
  const IonTracks tracks = tracks_of(folder.file("dump"), {.timestep_fs = 1});
  EXPECT_NEAR(tracks.series[2][3] - tracks.series[2][0], 0, 1e-12);
}

TEST(Dcd, BothByteOrdersCosinesAndFixedAtomsGiveTheSameWalk) {
  const TemporaryFolder folder;
  put(folder.file("POSCAR"), poscar());
  auto frames = walk(40);
  const TrajectoryReading reading{.frame_interval_fs = 100, .structure = folder.file("POSCAR")};
  for (const DcdShape& shape :
       {DcdShape{}, DcdShape{.swap = true}, DcdShape{.cosines = true}, DcdShape{.cell = false}}) {
    put(folder.file("a.dcd"), dcd_bytes(frames, shape));
    expect_walk(tracks_of(folder.file("a.dcd"), reading), frames, 2e-5);  // single precision of 12 A, both ends
  }
  for (auto& frame : frames) frame[3] = frames[0][3], frame[4] = frames[0][4];
  put(folder.file("b.dcd"), dcd_bytes(frames, {.fixed_host = true}));
  expect_walk(tracks_of(folder.file("b.dcd"), reading), frames, 2e-5);
}

TEST(Dcd, AsksForElementsTimeAndCell) {
  const TemporaryFolder folder;
  put(folder.file("POSCAR"), poscar());
  put(folder.file("a.dcd"), dcd_bytes(walk(4), {}));
  EXPECT_THROW(static_cast<void>(open_trajectory(folder.file("a.dcd"), {.frame_interval_fs = 1})), ConfigError);
  EXPECT_THROW(static_cast<void>(open_trajectory(folder.file("a.dcd"), {.structure = folder.file("POSCAR")})),
               ConfigError);
  put(folder.file("b.dcd"), dcd_bytes(walk(4), {.cell = false}));
  EXPECT_THROW(static_cast<void>(open_dcd(folder.file("b.dcd"), {})), ConfigError);
}

TEST(Dcd, ACutFrameIsLeftOutAndADamagedRecordRefused) {
  const TemporaryFolder folder;
  const std::string bytes = dcd_bytes(walk(4), {});
  put(folder.file("a.dcd"), bytes.substr(0, bytes.size() - 9));
  const auto reader = open_dcd(folder.file("a.dcd"), {});
  PositionFrame frame;
  int count = 0;
  while (reader->next(frame)) ++count;
  EXPECT_EQ(count, 3);
  EXPECT_NE(reader->ending().find("left out"), std::string::npos);
  std::string damaged = bytes;
  damaged[bytes.size() - 2] = 'x';
  put(folder.file("b.dcd"), damaged);
  const auto other = open_dcd(folder.file("b.dcd"), {});
  EXPECT_THROW(while (other->next(frame)){}, InputError);
}

// Values as mdtraj reads them back from its own files, to the digits that single precision has.
TEST(Xtc, UnpacksWhatMdtrajWrote) {
  const TemporaryFolder folder;
  struct Case {
    const char* hex;
    std::size_t atoms;
    int frames;
    Vec3 first, last, sum;
    double tolerance;
  };
  for (const Case& c :
       {Case{testing::small_xtc, 24, 2, {8.47, 9.86, 14.47}, {9.83, 17.33, 7.94}, {695.38, 387.06, 631.44}, 1e-4},
        Case{testing::plain_xtc,
             6,
             2,
             {13.4228, 8.91457, 9.18451},
             {9.37519, 23.16746, 14.90318},
             {136.29772, 193.20093, 145.37577},
             1e-4},
        Case{testing::wide_xtc,
             12,
             1,
             {-74583.156, -47374.109, 54229.414},
             {77663.508, -52705.59, 23416.24},
             {231804.368, -493635.511, 118160.069},
             0.05}}) {
    put(folder.file("a.xtc"), from_hex(c.hex));
    const auto reader = open_xtc(folder.file("a.xtc"));
    PositionFrame frame;
    Vec3 sum, first, last;
    int frames = 0;
    while (reader->next(frame)) {
      ASSERT_EQ(frame.positions.size(), c.atoms);
      if (frames++ == 0) first = frame.positions[0];
      for (const Vec3& r : frame.positions) sum += r, last = r;
    }
    EXPECT_EQ(frames, c.frames);
    EXPECT_EQ(reader->ending(), "");
    EXPECT_LT(norm(first - c.first), c.tolerance);
    EXPECT_LT(norm(last - c.last), c.tolerance);
    EXPECT_LT(norm(sum - c.sum), 24 * c.tolerance);
  }
  put(folder.file("a.xtc"), from_hex(testing::small_xtc));
  PositionFrame frame;
  const auto reader = open_xtc(folder.file("a.xtc"));
  ASSERT_TRUE(reader->next(frame) && reader->next(frame));
  EXPECT_EQ(frame.step, 250);
  EXPECT_DOUBLE_EQ(*frame.time_fs, 500);
  EXPECT_NEAR(frame.cell.vectors()[2].y, 4.0, 1e-5);
}

TEST(Xtc, DamageIsRefusedAndACutFrameLeftOut) {
  const TemporaryFolder folder;
  const std::string bytes = from_hex(testing::small_xtc);
  PositionFrame frame;
  for (std::size_t cut = 1; cut < bytes.size(); cut += 3) {
    put(folder.file("a.xtc"), bytes.substr(0, cut));
    const auto reader = open_xtc(folder.file("a.xtc"));
    int count = 0;
    while (reader->next(frame)) ++count;
    EXPECT_EQ(count, cut >= bytes.size() / 2 ? 1 : 0) << cut;
    EXPECT_EQ(reader->ending().empty(), cut == bytes.size() / 2) << cut;
  }
  std::string damaged = bytes;
  damaged[4] = 'x';  // the number of atoms
  put(folder.file("b.xtc"), damaged);
  EXPECT_THROW(static_cast<void>(open_xtc(folder.file("b.xtc"))->next(frame)), InputError);
}

TEST(ForeignH5md, CompressedSinglePrecisionWithImagesGivesTheWalk) {
  const TemporaryFolder folder;
  const auto frames = walk(30);
  testing::write_foreign_h5md(folder.file("a.h5"), frames, Cell(tilted), testing::SpeciesNames::given);
  const IonTracks tracks = tracks_of(folder.file("a.h5"), {});
  expect_walk(tracks, frames, 1e-5);
  EXPECT_NEAR(tracks.interval_ps, 0.1, 1e-12);
  EXPECT_EQ(tracks.wrapping, Wrapping::unwrapped);
  testing::write_foreign_h5md(folder.file("b.h5"), frames, Cell(tilted), testing::SpeciesNames::absent);
  EXPECT_THROW(static_cast<void>(open_trajectory(folder.file("b.h5"), {})), ConfigError);
  expect_walk(tracks_of(folder.file("b.h5"), {.types = {"Li", "S"}}), frames, 1e-5);
}

TEST(VaspPositions, TimeAndTemperatureComeFromTheRun) {
  HAVEN_SHARED_DATA(folder, "vasp");
  int found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || (name.find("OUTCAR") == name.npos && name.find("vasprun") == name.npos)) continue;
    try {
      const auto source = open_foreign(entry.path().string(), {});
      TrajectoryFrame frame;
      double before = -1;
      while (source->next(frame)) {
        EXPECT_GT(frame.time_fs, before) << name;
        EXPECT_EQ(frame.positions.size(), source->info().numbers.size()) << name;
        before = frame.time_fs;
      }
      ++found;
    } catch (const Error& error) {
      EXPECT_NE(error.exit_code(), ExitCode::bug) << name << error.what();
    }
  }
  EXPECT_GT(found, 10);
}

TEST(Trajectories, AnUnknownFormatNamesWhatCanBeRead) {
  const TemporaryFolder folder;
  put(folder.file("x"), "hello\nworld\n");
  try {
    static_cast<void>(open_trajectory(folder.file("x"), {}));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("XTC"), std::string::npos);
  }
}

}  // namespace haven
