import { arch, cpus, platform, totalmem } from 'node:os'

/** @typedef {{ cpu: string, cores: number, memoryGb: number, platform: string, node: string }} Machine */

/** @returns {Machine} where this runs */
export function machine() {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() || 'unknown CPU',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
    node: process.version,
  }
}

/** Returns it in one line. */
export function machineLine(/** @type {Machine} */ { cpu, cores, memoryGb, platform, node }) {
  return `Node ${node.slice(1)}, ${platform}, ${cores} × ${cpu}, ${memoryGb} GB`
}
