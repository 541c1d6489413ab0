// Runs a job in a process of its own, and does not wait for it for ever.

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const LIMIT_SECONDS = 180
const QUICK_LIMIT_SECONDS = 30

/** A job of several contenders may take so many times as long. */
const JOINT = 3

/**
 * @param {import('./bench.mjs').Job | import('./bench.mjs').JointJob} job
 * @param {{ isCheck: boolean, execArgv: string[], env: { [name: string]: string } }} options
 * @returns {Promise<object>} rejects with what went wrong, in a line
 */
export function runJob(job, { isCheck, execArgv, env }) {
  const seconds = (job.quick ? QUICK_LIMIT_SECONDS : LIMIT_SECONDS) * ('rows' in job ? JOINT : 1)
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('job.mjs', import.meta.url)), [JSON.stringify({ job, isCheck })], {
      execArgv, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let said = ''
    child.stderr?.on('data', (chunk) => { said = (said + chunk).slice(-2000) })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`took longer than ${seconds} s`))
    }, seconds * 1000)
    child.on('message', (/** @type {{ value: object, error?: string }} */ { value, error }) => {
      if (error === undefined) resolve(value)
      else reject(new Error(error.split('\n')[0]))
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`ended with ${signal ?? code}: ${said.trim().split('\n').pop()}`))
    })
  })
}
