#!/usr/bin/python3
"""Sample alpha-Li3N (2x2x2, 32 atoms) with a potential that Haven has trained: short runs at five temperatures and three strains. Label the frames afterwards.

usage: sample_with_potential.py HAVEN MODEL OUT.xyz PS FRAMES_PER_RUN SEED
"""
import glob
import os
import subprocess
import sys
import tempfile
import h5py
import numpy as np
from ase import Atoms
from ase.io import write

haven, model, target = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
length_ps, frames_per_run, seed = sys.argv[4], int(sys.argv[5]), int(sys.argv[6])
frames = []
for run, (temperature, strain) in enumerate((t, s) for t in (500, 700, 900, 1100, 1300) for s in (-0.03, 0.0, 0.03)):
    a = 3.648 * (1 + strain)  # experiment, P6/mmm
    c = 3.875 * (1 + strain) if (run // 3 + seed) % 2 == 0 else 3.875 * (1 - 0.3 * strain)  # isotropic, or c answers as in a crystal under tension
    atoms = Atoms("NLi3", scaled_positions=[(0, 0, 0), (0, 0, 1 / 2), (1 / 3, 2 / 3, 0), (2 / 3, 1 / 3, 0)],
                  cell=[[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]], pbc=True).repeat((2, 2, 2))
    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/POSCAR", atoms, format="vasp")
        subprocess.run([haven, "md", model, "POSCAR", "-T", str(temperature), "--ps", length_ps, "--every-fs", "50", "--tau", "50",
                        "--seed", str(1000 * seed + run)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        parts = sorted(glob.glob(f"{folder}/md/**/traj*.h5", recursive=True))
        if not parts:
            continue
        with h5py.File(parts[-1], "r", swmr=True) as trajectory:
            particles = trajectory["particles"]
            positions = particles[list(particles)[0]]["position/value"][:]
    count = len(positions)
    for index in np.unique(np.linspace(count / frames_per_run, count - 1, frames_per_run).astype(int)):
        frame = Atoms(atoms.symbols, positions[index], cell=atoms.cell, pbc=True)
        frame.wrap()
        frame.info["config_type"] = f"md_{temperature}K" + {-0.03: "_m3", 0.0: "", 0.03: "_p3"}[strain]
        frames.append(frame)
write(target, frames, format="extxyz")
print(len(frames), "frames")
