// Compiled in builds with CUDA only; cuda_absent.cpp stands in for it elsewhere.
#ifdef HAVEN_HAVE_CUDA
#include "potentials/program/drivers/cuda_potential.hpp"

#include <algorithm>

#include "potentials/descriptor.hpp"
#include "potentials/program/compile.hpp"
#include "potentials/program/drivers/cuda_evaluator.hpp"
#include "potentials/program/drivers/cuda_kernels.hpp"
#include "potentials/program/drivers/cuda_memory.hpp"

namespace haven::gpu {

void throw_device_error(cudaError_t error, const std::string& doing) {
  const std::string reason = cudaGetErrorString(error);
  switch (error) {
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      throw DeviceError("no usable GPU: " + reason, doing,
                        "Run where nvidia-smi lists a device and its driver supports this build's CUDA, or set device "
                        "= \"cpu\".");
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
      throw DeviceError("this build has no code for this GPU: " + reason, doing,
                        "Build with -DCMAKE_CUDA_ARCHITECTURES=<its compute capability without the point>.");
    default:
      throw DeviceError("the GPU failed: " + reason, doing,
                        "Continue from the last checkpoint; if it fails again, look for hardware errors (nvidia-smi, "
                        "dmesg) and run on another device or with device = \"cpu\".");
  }
}

void* allocate_on_device(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaSuccess) return memory;
  static_cast<void>(cudaGetLastError());  // an allocation that failed does not harm what follows
  std::size_t free = 0, total = 0;
  if (error != cudaErrorMemoryAllocation || cudaMemGetInfo(&free, &total) != cudaSuccess)
    throw_device_error(error, "allocating memory on the GPU");
  throw DeviceError(
      fmt::format("{:.1f} MB of GPU memory were asked for, {:.1f} of {:.1f} MB are free",
                  static_cast<double>(bytes) / 1e6, static_cast<double>(free) / 1e6, static_cast<double>(total) / 1e6),
      "allocating memory on the GPU",
      "Use more GPUs (ranks), a smaller supercell, or end other programs on this device.");
}

void* allocate_page_locked(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMallocHost(&memory, bytes);
  if (error == cudaSuccess) return memory;
  static_cast<void>(cudaGetLastError());
  throw DeviceError(fmt::format("{:.1f} MB of page-locked memory were refused: {}", static_cast<double>(bytes) / 1e6,
                                cudaGetErrorString(error)),
                    "allocating memory for transfers",
                    "Raise the limit on locked memory (ulimit -l), or use more ranks.");
}

namespace {

/// The image in device memory.
template <class T>
class DeviceProgram {
 public:
  DeviceProgram(const ProgramImage<T>& image, cudaStream_t stream) : view_(image.view()) {
    put(image.numbers, numbers_, view_.numbers, stream);
    put(image.doubles, doubles_, view_.doubles, stream);
    put(image.integers, integers_, view_.integers, stream);
    put(image.centres, centres_, view_.centres, stream);
    put(image.blocks, blocks_, view_.blocks, stream);
    put(image.shells, shells_, view_.shells, stream);
    put(image.tables, tables_, view_.tables, stream);
    put(image.layers, layers_, view_.layers, stream);
    put(image.partners, partners_, view_.partners, stream);
    put(image.products, products_, view_.products, stream);
    put(image.wall, wall_, view_.wall, stream);
    check(cudaStreamSynchronize(stream), "uploading the model");  // the image goes out of scope
  }
  [[nodiscard]] const ProgramView<T>& view() const { return view_; }

 private:
  template <class V>
  void put(const std::vector<V>& values, DeviceArray<V>& target, const V*& pointer, cudaStream_t stream) {
    upload(std::span<const V>(values), target, stream);
    pointer = target.data();
  }
  ProgramView<T> view_;
  DeviceArray<T> numbers_;
  DeviceArray<double> doubles_;
  DeviceArray<std::int32_t> integers_;
  DeviceArray<CentreImage> centres_;
  DeviceArray<BlockImage> blocks_;
  DeviceArray<Shell> shells_;
  DeviceArray<TableImage> tables_;
  DeviceArray<LayerImage> layers_;
  DeviceArray<PartnerRows> partners_;
  DeviceArray<ProductImage> products_;
  DeviceArray<PairRepulsion> wall_;
};

/// One device's evaluation: everything on one stream, one wait at the end of a call.
template <class T>
class CudaExecutor final : public Executor {
 public:
  CudaExecutor(const Program& program, int device)
      : device_(device), image_(make_image<T>(program)), program_(image_, stream_.get()) {
    layout_ = make_layout<T>(image_.needs);
    check(plan_launch<T>(kernel_reach(image_.l_max), layout_, plan_), "choosing a kernel");
    check(cudaDeviceGetAttribute(&processors_, cudaDevAttrMultiProcessorCount, device_),
          "asking for the device's size");
    totals_.reserve(1);
    totals_out_.reserve(1);
    image_ = {};  // the device has it
  }

  [[nodiscard]] Staging prepare(const StagingSizes& sizes) override {
    check(cudaSetDevice(device_), "choosing the device");
    sizes_ = sizes;
    atoms_in_.reserve(sizes.atoms);
    order_in_.reserve(sizes.centres);
    forces_out_.reserve(sizes.atoms);
    energies_out_.reserve(sizes.centres);
    remarks_out_.reserve(sizes.centres);
    atoms_.reserve(sizes.atoms);
    forces_.reserve(sizes.atoms);
    energies_.reserve(sizes.centres);
    remarks_.reserve(sizes.centres);
    if (wants(sizes.wanted, Wanted::virial)) virials_.reserve(9 * sizes.centres);
    const std::size_t atom_virials = wants(sizes.wanted, Wanted::atom_virials) ? sizes.atoms : 0;
    atom_virials_.reserve(atom_virials);
    atom_virials_out_.reserve(atom_virials);
    return {.atoms = {atoms_in_.data(), sizes.atoms},
            .order = {order_in_.data(), sizes.centres},
            .forces = {forces_out_.data(), sizes.atoms},
            .atom_virials = {atom_virials_out_.data(), atom_virials},
            .energies = {energies_out_.data(), sizes.centres},
            .remarks = {remarks_out_.data(), sizes.centres}};
  }

  [[nodiscard]] Totals run(const NeighbourView& list, ListState state, Wanted wanted) override {
    const cudaStream_t stream = stream_.get();
    if (state == ListState::changed) upload_list(list, stream);
    upload(list.translations, translations_, stream);  // a barostat changes them between builds; they are few
    upload(std::span<const PackedAtom>(atoms_in_.data(), sizes_.atoms), atoms_, stream);
    const EvaluationView<T> e = view(wanted);
    check(cudaMemsetAsync(e.forces, 0, sizes_.atoms * sizeof(FixedVec3), stream), "clearing forces");
    if (wants(wanted, Wanted::atom_virials))
      check(cudaMemsetAsync(e.atom_virials, 0, sizes_.atoms * sizeof(FixedMat3), stream), "clearing virials");
    check(cudaMemsetAsync(totals_.data(), 0, sizeof(Totals), stream), "clearing sums");
    const Index blocks = grid();
    check(launch_evaluation(e, layout_, plan_, workspace_.data(), blocks, stream), "starting the evaluation");
    check(launch_totals(e, totals_.data(), stream), "starting the sums");
    return collect(e, wanted, stream);
  }

 private:
  void upload_list(const NeighbourView& list, cudaStream_t stream) {
    upload(list.offsets, offsets_, stream);
    upload(list.atom, entry_atom_, stream);
    upload(list.shift, entry_shift_, stream);
    upload(std::span<const std::int32_t>(order_in_.data(), sizes_.centres), order_, stream);
    // The caller may change the list once this call has returned; it waits for the stream in any case.
  }

  [[nodiscard]] EvaluationView<T> view(Wanted wanted) const {
    return {.program = program_.view(),
            .atoms = atoms_.data(),
            .offsets = offsets_.data(),
            .entry_atom = entry_atom_.data(),
            .entry_shift = entry_shift_.data(),
            .translations = translations_.data(),
            .order = order_.data(),
            .n_centres = static_cast<Index>(sizes_.centres),
            .wanted = wanted,
            .forces = forces_.data(),
            .atom_virials = atom_virials_.data(),
            .energies = energies_.data(),
            .virials = virials_.data(),
            .remarks = remarks_.data()};
  }

  /// One warp per centre while scratch is on the multiprocessor; otherwise as many as run at once, which take turns, so
  /// that their workspace stays bounded.
  [[nodiscard]] Index grid() {
    const auto centres = static_cast<Index>(sizes_.centres);
    const Index needed = (centres + plan_.warps_per_block - 1) / plan_.warps_per_block;
    if (plan_.shared_bytes > 0) return std::min<Index>(needed, 0x7fffffff);
    const Index blocks = std::min<Index>(needed, Index{processors_} * std::max(1, plan_.blocks_per_processor));
    workspace_.reserve(static_cast<std::size_t>(blocks * plan_.warps_per_block) *
                       static_cast<std::size_t>(layout_.bytes));
    return blocks;
  }

  [[nodiscard]] Totals collect(const EvaluationView<T>& e, Wanted wanted, cudaStream_t stream) {
    download(e.forces, std::span(forces_out_.data(), sizes_.atoms), stream);
    if (wants(wanted, Wanted::atom_energies))
      download(e.energies, std::span(energies_out_.data(), sizes_.centres), stream);
    if (wants(wanted, Wanted::atom_virials))
      download(e.atom_virials, std::span(atom_virials_out_.data(), sizes_.atoms), stream);
    download(totals_.data(), std::span(totals_out_.data(), 1), stream);
    check(cudaStreamSynchronize(stream), "evaluating forces");
    const Totals totals = *totals_out_.data();
    if (totals.not_finite + totals.out_of_range + totals.extrapolating > 0) {
      download(e.remarks, std::span(remarks_out_.data(), sizes_.centres), stream);
      check(cudaStreamSynchronize(stream), "reading the remarks");
    }
    return totals;
  }

  int device_;
  Stream stream_;
  ProgramImage<T> image_;
  DeviceProgram<T> program_;
  ScratchLayout layout_;
  LaunchPlan plan_;
  int processors_ = 1;
  StagingSizes sizes_;
  PinnedArray<PackedAtom> atoms_in_;
  PinnedArray<std::int32_t> order_in_;
  PinnedArray<FixedVec3> forces_out_;
  PinnedArray<FixedMat3> atom_virials_out_;
  PinnedArray<double> energies_out_;
  PinnedArray<unsigned char> remarks_out_;
  PinnedArray<Totals> totals_out_;
  DeviceArray<PackedAtom> atoms_;
  DeviceArray<Index> offsets_;
  DeviceArray<std::int32_t> entry_atom_, entry_shift_, order_;
  DeviceArray<Vec3> translations_;
  DeviceArray<FixedVec3> forces_;
  DeviceArray<FixedMat3> atom_virials_;
  DeviceArray<double> energies_, virials_;
  DeviceArray<unsigned char> remarks_, workspace_;
  DeviceArray<Totals> totals_;
};

std::unique_ptr<Executor> make_executor(const Program& program, Precision precision, int device) {
  if (precision == Precision::float64) return std::make_unique<CudaExecutor<double>>(program, device);
  return std::make_unique<CudaExecutor<float>>(program, device);
}

}  // namespace
}  // namespace haven::gpu

namespace haven {

bool built_with_cuda() { return true; }

int cuda_device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  static_cast<void>(cudaGetLastError());
  return 0;
}

std::string cuda_obstacle() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return count > 0 ? "" : "no CUDA-capable device is detected";
  static_cast<void>(cudaGetLastError());
  return cudaGetErrorString(error);
}

int cuda_device_of(int local_rank) {
  int count = 0;
  gpu::check(cudaGetDeviceCount(&count), "counting the GPUs");
  if (count == 0) gpu::throw_device_error(cudaErrorNoDevice, "counting the GPUs");
  return local_rank % count;
}

std::unique_ptr<Potential> make_cuda_potential(const Model& model, Precision precision, const CudaOptions& options) {
  int count = 0;
  gpu::check(cudaGetDeviceCount(&count), "counting the GPUs");
  if (options.device < 0 || options.device >= count)
    throw DeviceError(fmt::format("there is no GPU number {}; this process sees {}", options.device, count), "device",
                      "Choose a number below that, or look at CUDA_VISIBLE_DEVICES.");
  gpu::check(cudaSetDevice(options.device), "choosing the device");
  cudaDeviceProp properties{};
  gpu::check(cudaGetDeviceProperties(&properties, options.device), "asking for the device's name");
  const Descriptor descriptor = describe(model);
  const Program program = compile(descriptor, model, gpu::table_tolerance(precision));
  const std::string where = fmt::format("CUDA device {} ({})", options.device, properties.name);
  return std::make_unique<gpu::WarpPotential>(gpu::make_executor(program, precision, options.device),
                                              gpu::requirements_of(model),
                                              gpu::describe_model(model, descriptor, precision, where));
}

}  // namespace haven
#endif
