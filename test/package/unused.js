// What src exports and no other file of src uses, as knip finds it: what tests alone use, too. The entries are for users.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {{ file: string, name: string }} Unused `*` is the name of a whole file that nothing imports
 * @typedef {Unused & { reason: string }} Excepted
 */

const KNIP = fileURLToPath(new URL('../node_modules/knip/bin/knip.js', import.meta.url))
const CONFIG = fileURLToPath(new URL('knip.json', import.meta.url))
const KINDS = ['files', 'exports', 'types', 'nsExports', 'nsTypes', 'enumMembers', 'duplicates']

/** @returns {Unused[]} */
export function unusedIn(/** @type {string} */ root) {
  const what = ['--production', '--directory', root, '--config', CONFIG, '--include', KINDS.join()]
  const how = ['--reporter', 'json', '--no-progress', '--no-config-hints']
  const { status, stdout, stderr } = spawnSync(process.execPath, [KNIP, ...what, ...how], { encoding: 'utf8' })
  // It ends with 1 when it found something.
  if (status !== 0 && status !== 1) throw new Error(`knip failed: ${stderr || stdout}`)
  return JSON.parse(stdout).issues.flatMap((/** @type {Record<string, any>} */ { file, files, ...found }) => [
    ...(files.length > 0 ? [{ file, name: '*' }] : []),
    ...KINDS.flatMap((kind) => (found[kind] ?? []).flat()).map(({ name }) => ({ file, name })),
  ])
}

/** @returns {string[]} what is wrong: something is unused and not excepted, or excepted and used, or excepted without a reason */
export function objectionsTo(/** @type {readonly Unused[]} */ unused, /** @type {readonly Excepted[]} */ excepted) {
  /** @param {Unused} one */
  const isSame = (one) => (/** @type {Unused} */ other) => one.file === other.file && one.name === other.name
  return [
    ...unused
      .filter((one) => !excepted.some(isSame(one)))
      .map(({ file, name }) => `${file} exports ${name}, which no other file of src uses`),
    ...excepted
      .filter((one) => !unused.some(isSame(one)))
      .map(({ file, name }) => `${file} has ${name} in use, or not at all, but unused.json excepts it`),
    ...excepted.filter(({ reason }) => !reason?.trim()).map(({ file, name }) => `${file} has no reason in unused.json for ${name}`),
  ]
}
