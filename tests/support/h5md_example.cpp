#include "support/h5md_example.hpp"

#include "io/h5.hpp"
#include "io/h5_library.hpp"

namespace haven::testing {

void write_foreign_h5md(const std::string& path, const std::vector<std::vector<Vec3>>& frames, const Cell& cell,
                        SpeciesNames names) {
  const auto file = h5::Id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  const auto group = [&](const char* name) {
    return h5::Id(H5Gcreate2(file.get(), name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  };
  const auto write = [&](const char* name, hid_t stored, hid_t memory, std::vector<hsize_t> shape, const void* values) {
    const auto space = h5::Id(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
    const auto list = h5::Id(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(list.get(), static_cast<int>(shape.size()), shape.data());
    H5Pset_deflate(list.get(), 6);
    auto data = h5::Id(H5Dcreate2(file.get(), name, stored, space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT));
    H5Dwrite(data.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    return data;
  };
  const auto unit = [](const h5::Id& data, const char* text) {
    const auto type = h5::Id(H5Tcopy(H5T_C_S1)), space = h5::Id(H5Screate(H5S_SCALAR));
    H5Tset_size(type.get(), H5T_VARIABLE);
    const auto attribute = h5::Id(H5Acreate2(data.get(), "unit", type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    H5Awrite(attribute.get(), type.get(), &text);
  };
  const auto p = group("/particles"), g = group("/particles/atoms"), position = group("/particles/atoms/position"),
             box = group("/particles/atoms/box"), image = group("/particles/atoms/image");
  std::vector<float> r, n;
  std::vector<double> time;
  for (std::size_t t = 0; t < frames.size(); ++t) {
    time.push_back(0.1 * static_cast<double>(t));
    for (const Vec3& x : frames[t]) {
      const LatticeShift shift = cell.wrapping_shift(x);
      const Vec3 inside = x + cell.translation(shift);
      for (int k = 0; k < 3; ++k) r.push_back(static_cast<float>(0.1 * inside[k]));
      for (const int k : {shift.a, shift.b, shift.c}) n.push_back(static_cast<float>(-k));
    }
  }
  const hsize_t count = frames.size(), atoms = frames[0].size();
  unit(write("/particles/atoms/position/value", H5T_IEEE_F32BE, H5T_NATIVE_FLOAT, {count, atoms, 3}, r.data()), "nm");
  unit(write("/particles/atoms/position/time", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {count}, time.data()), "ps");
  write("/particles/atoms/image/value", H5T_STD_I16LE, H5T_NATIVE_FLOAT, {count, atoms, 3}, n.data());
  std::vector<double> edges;
  for (int k = 0; k < 3; ++k)
    for (int c = 0; c < 3; ++c) edges.push_back(0.1 * cell.vectors()[k][c]);
  write("/particles/atoms/box/edges", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {3, 3}, edges.data());
  std::vector<int> species(atoms, 2);
  for (std::size_t i = 0; i < (atoms + 1) / 2; ++i) species[i] = 1;
  const auto symbols = h5::Id(H5Tenum_create(H5T_NATIVE_INT));
  int value = 1;
  H5Tenum_insert(symbols.get(), "Li", &value);
  value = 2;
  H5Tenum_insert(symbols.get(), "S", &value);
  const hid_t type = names == SpeciesNames::given ? symbols.get() : H5T_NATIVE_INT;
  write("/particles/atoms/species", type, type, {atoms}, species.data());
}

}  // namespace haven::testing
