// The API reports that are committed: what of the public types was looked at and agreed to. Run by itself, writes them anew.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { currentReports } from './api-report.js'

/** @import { Reports } from './api-report.js' */

const REPORTS = fileURLToPath(new URL('api/', import.meta.url))

/** @returns {Reports} */
export function committedReports() {
  return new Map(readdirSync(REPORTS).sort().map((name) => [name, readFileSync(join(REPORTS, name), 'utf8')]))
}

/**
 * Says what to agree to or to take back.
 *
 * @param {Reports} current
 * @param {Reports} committed
 * @returns {string[]} a difference each
 */
export function differencesBetween(current, committed) {
  const names = new Set([...current.keys(), ...committed.keys()])
  return Array.from(names).flatMap((name) => {
    const [now, before] = [current.get(name), committed.get(name)]
    if (now === before) return []
    if (before === undefined) return [`api/${name} is missing`]
    if (now === undefined) return [`api/${name} is of an entry that there is no more`]
    return [`api/${name} differs from the types:\n${diffOf(before, now)}`]
  })
}

/** Returns a unified diff, without its header. */
function diffOf(/** @type {string} */ before, /** @type {string} */ now) {
  const folder = mkdtempSync(join(tmpdir(), 'diff-'))
  try {
    writeFileSync(join(folder, 'before'), before)
    writeFileSync(join(folder, 'now'), now)
    const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', 'before', 'now'], { cwd: folder, encoding: 'utf8' })
    return stdout.slice(stdout.indexOf('@@'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function main() {
  const reports = currentReports()
  rmSync(REPORTS, { recursive: true, force: true })
  mkdirSync(REPORTS)
  for (const [name, text] of reports) writeFileSync(join(REPORTS, name), text)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
