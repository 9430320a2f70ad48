#!/usr/bin/env node
import { runDesk } from './run.js'

// Whoever reads the output may have seen enough of it.
process.stdout.on('error', () => {})
process.exitCode = await runDesk(process.argv.slice(2))
