import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

let timer

// A thread of its own sees a scenario that never returns, which no timer of the same thread would.
parentPort.on('message', (running) => {
  clearTimeout(timer)
  timer = setTimeout(() => {
    writeSync(2, `FAILED  ${running}: still running after ${workerData.timeoutMs / 1_000} s\n`)
    process.kill(process.pid, 'SIGKILL')
  }, workerData.timeoutMs)
})
