#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include "core/error.hpp"
#include "io/model_file.hpp"
#include "support/file_bytes.hpp"
#include "support/io_examples.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::bytes_of;
using testing::example_model;
using testing::TemporaryFolder;

TEST(ModelFile, AModelComesBackExactly) {
  const TemporaryFolder folder;
  const Model model = example_model();
  write_model(folder.file("m.haven"), model);
  const Model read = read_model(folder.file("m.haven"));
  EXPECT_EQ(read.kind, model.kind);
  EXPECT_EQ(read.cutoff, model.cutoff);
  EXPECT_EQ(read.minimum_distance, model.minimum_distance);
  EXPECT_EQ(read.repulsion, model.repulsion);
  EXPECT_EQ(read.provenance, model.provenance);
  ASSERT_EQ(read.elements.size(), model.elements.size());
  for (std::size_t k = 0; k < model.elements.size(); ++k) {
    const ModelElement &a = read.elements[k], &b = model.elements[k];
    EXPECT_EQ(a.number, b.number);
    EXPECT_EQ(a.mass, b.mass);
    EXPECT_EQ(a.reference_energy, b.reference_energy);
    EXPECT_EQ(a.feature_shift, b.feature_shift);
    EXPECT_EQ(a.feature_scale, b.feature_scale);
    EXPECT_EQ(a.feature_min, b.feature_min);
    EXPECT_EQ(a.feature_max, b.feature_max);
    ASSERT_EQ(a.network.layers.size(), b.network.layers.size());
    for (std::size_t l = 0; l < a.network.layers.size(); ++l) {
      EXPECT_EQ(a.network.layers[l].activation, b.network.layers[l].activation);
      EXPECT_EQ(a.network.layers[l].weights, b.network.layers[l].weights);
      EXPECT_EQ(a.network.layers[l].bias, b.network.layers[l].bias);
    }
  }
  ASSERT_EQ(read.parameters.size(), model.parameters.size());
  for (const auto& [name, array] : model.parameters) {
    EXPECT_EQ(read.parameters.at(name).shape, array.shape);
    EXPECT_EQ(read.parameters.at(name).values, array.values);
  }
  EXPECT_EQ(model_hash(read), model_hash(model));
  EXPECT_EQ(model_payload_hash(read), model_payload_hash(model));
}

TEST(ModelFile, EqualModelsMakeEqualFiles) {
  const TemporaryFolder folder;
  write_model(folder.file("a.haven"), example_model());
  write_model(folder.file("b.haven"), example_model());
  EXPECT_EQ(bytes_of(folder.file("a.haven")), bytes_of(folder.file("b.haven")));
}

TEST(ModelFile, AModelWithoutNetworksCanBeKept) {
  const TemporaryFolder folder;
  Model model = example_model();
  for (ModelElement& element : model.elements)
    element = {.number = element.number,
               .mass = element.mass,
               .reference_energy = 0,
               .feature_shift = {},
               .feature_scale = {},
               .feature_min = {},
               .feature_max = {},
               .network = {}};
  write_model(folder.file("m.haven"), model);
  EXPECT_EQ(model_hash(read_model(folder.file("m.haven"))), model_hash(model));
}

/// Three networks per element, all different.
Model example_committee() {
  Model model = example_model();
  for (ModelElement& element : model.elements)
    for (const double change : {0.25, -0.5}) {
      element.committee.push_back(element.network);
      element.committee.back().layers.back().bias[0] += change;
    }
  return model;
}

TEST(ModelFile, ACommitteeComesBackMemberByMember) {
  const TemporaryFolder folder;
  const Model model = example_committee();
  write_model(folder.file("c.haven"), model);
  const Model read = read_model(folder.file("c.haven"));
  ASSERT_EQ(read.members(), 3);
  for (std::size_t a = 0; a < model.elements.size(); ++a)
    for (std::size_t m = 0; m < 2; ++m)
      for (std::size_t l = 0; l < model.elements[a].network.layers.size(); ++l) {
        const Layer &expected = model.elements[a].committee[m].layers[l],
                    &got = read.elements[a].committee[m].layers[l];
        EXPECT_EQ(got.weights, expected.weights);
        EXPECT_EQ(got.bias, expected.bias);
        EXPECT_EQ(got.activation, expected.activation);
      }
  EXPECT_EQ(model_hash(read), model_hash(model));
  EXPECT_NE(model_hash(model), model_hash(example_model()));
  Model other = model;
  other.elements[1].committee[1].layers[0].weights[0] += 1e-9;
  EXPECT_NE(model_hash(other), model_hash(model));
}

TEST(ModelFile, CommitteesThatDoNotFitAreNotWritten) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::function<void(Model&)>& change) {
    Model model = example_committee();
    change(model);
    try {
      write_model(folder.file("c.haven"), model);
    } catch (const ModelError&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused([](Model&) {}));
  EXPECT_TRUE(refused([](Model& m) { m.elements[1].committee.pop_back(); }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].committee[1].layers.pop_back(); }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].committee[1].layers.clear(); }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[1].committee[0].layers[0].bias[0] = std::nan(""); }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].committee.resize(64, m.elements[0].network); }));
}

TEST(ModelFile, TheModelHashMeansThePhysicsAndThePayloadHashAll) {
  const Model model = example_model();
  Model other = model;
  other.provenance["note"] = "x";
  EXPECT_EQ(model_hash(other), model_hash(model));
  EXPECT_NE(model_payload_hash(other), model_payload_hash(model));
  other = model;
  double& weight = other.elements[1].network.layers[0].weights[3];
  weight = std::nextafter(weight, 10.0);
  EXPECT_NE(model_hash(other), model_hash(model));
}

TEST(ModelFile, ModelsThatCannotBeReadBackAreNotWritten) {
  const TemporaryFolder folder;
  const auto refused = [&](auto change) {
    Model model = example_model();
    change(model);
    try {
      write_model(folder.file("m.haven"), model);
    } catch (const ModelError&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused([](Model&) {}));
  EXPECT_TRUE(refused([](Model& m) { m.cutoff = 0; }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].network.layers[0].bias[0] = std::nan(""); }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].number = 119; }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].number = 16; }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].network.layers[1].inputs = 4; }));
  EXPECT_TRUE(refused([](Model& m) { m.elements[0].feature_scale.pop_back(); }));
  EXPECT_TRUE(refused([](Model& m) { m.parameters["a/b"] = {{1}, {1}}; }));
  EXPECT_TRUE(refused([](Model& m) { m.parameters["mixing_0"].shape = {7}; }));
  EXPECT_TRUE(refused([](Model& m) { m.parameters["x"] = {{1, 1, 1, 1, 1}, {1}}; }));
  EXPECT_TRUE(refused([](Model& m) { m.elements.clear(); }));
  EXPECT_TRUE(refused([](Model& m) { m.provenance["zero"] = std::string("a\0b", 3); }));
}

TEST(ModelFile, MissingAndForeignFilesAreToldApart) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("text.haven")) << "hello";
  EXPECT_THROW(static_cast<void>(read_model(folder.file("absent.haven"))), IoError);
  EXPECT_THROW(static_cast<void>(read_model(folder.file("text.haven"))), ModelError);
}

}  // namespace
}  // namespace haven
