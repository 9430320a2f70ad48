// node to-end-of-input.js PROGRAM [ARGUMENT...]: runs a program that does not look at its standard input, and ends it at the end of that.
// The program has the file descriptor 3 of this process.

import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'

const [program = '', ...args] = process.argv.slice(2)
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 3] })
closeSync(3) // so that who reads it learns of the program's end

let isToEnd = false
child.on('exit', (code) => process.exit(isToEnd ? 0 : (code ?? 1)))
process.stdin.resume().on('end', () => {
  isToEnd = true
  child.kill('SIGKILL') // there is nothing to be saved
})
