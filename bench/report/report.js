import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { markdownOf } from './markdown.js'
import { plotsOf } from './plots.js'
import { quoting } from './quotes.js'

const BENCH = new URL('../', import.meta.url)
const README = new URL('../../README.md', import.meta.url)

/** Writes REPORT.md and its plots, in place of those that are there. */
export async function writeReport(/** @type {import('../suite.js').Findings} */ findings, folder = BENCH) {
  const plots = await plotsOf(findings)
  const plotsFolder = new URL('plots/', folder)
  rmSync(plotsFolder, { recursive: true, force: true })
  mkdirSync(plotsFolder)
  for (const { file, svg } of plots) writeFileSync(new URL(file, plotsFolder), `${svg}\n`)
  writeFileSync(new URL('REPORT.md', folder), markdownOf(findings, plots))
}

/** Renews what the project's README quotes, which has to be in what was found. */
export function writeQuotes(/** @type {import('../suite.js').Findings} */ findings, file = README) {
  writeFileSync(file, quoting(readFileSync(file, 'utf8'), findings))
}
