import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { FOLDER, programOf } from './programs.ts'

/** What a command came to. */
export interface Outcome {
  /** `0` where all is well; what else it may be, `undefined` included, is not. */
  readonly exitCode: number | string | undefined
  /** All that it printed, without colours. */
  readonly output: string
}

/** Only what hangs is to be killed by it. */
const DEADLINE_MS = 600_000

/** Runs a program to its end, in this folder or in one relative to it. */
export function run(program: string, args: readonly string[], folder = '.'): Promise<Outcome> {
  const options = { cwd: resolve(FOLDER, folder), timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NO_COLOR: '1' } }
  return new Promise((done) => {
    execFile(programOf(program), args, options, (error, stdout, stderr) => {
      done({ exitCode: error === null ? 0 : (error.code ?? undefined), output: stdout + stderr })
    })
  })
}
