import { createStatsCounter, joined, type Names, type StatsPart, type WorkerStats } from './stats.ts'

/** A worker that says nothing for so long is not waited for. */
const answerMs = 3000
/** Looking for them takes a worker some milliseconds. */
const namesAtOnce = 5000

type Question<Worker> = { worker: Worker; parts: StatsPart[]; timer: NodeJS.Timeout; settle: () => void }

/**
 * The master's view of what its workers count, in which no counter falls when one of them is replaced. `Worker` is the
 * identity of one; `ask` puts a question to it, whose number comes back with the answer.
 */
export function createStatsCollection<Worker>(ask: (worker: Worker, id: number) => void) {
  /** What each living worker said last. */
  const last = new Map<Worker, WorkerStats>()
  /** What those have counted that have ended. */
  const gone = createStatsCounter()
  const questions = new Map<number, Question<Worker>>()
  let questionsAsked = 0
  /** While all are being asked. */
  let forgotten: Names[] | undefined

  /** Resolves once the worker has answered, or ended, or has been silent for too long. */
  function answered(worker: Worker): Promise<void> {
    return new Promise((resolve) => {
      const id = (questionsAsked += 1)
      const settle = (): void => {
        clearTimeout(timer)
        questions.delete(id)
        resolve()
      }
      const timer = setTimeout(settle, answerMs)
      questions.set(id, { worker, parts: [], timer, settle })
      ask(worker, id)
    })
  }

  return {
    /** A part of a worker's answer. */
    toldPart(id: number, part: StatsPart): void {
      const question = questions.get(id)
      question?.parts.push(part)
      question?.timer.refresh()
    },

    /** A worker's answer, or what is left of it after its parts; or its last words (`id` 0). */
    told(worker: Worker, id: number, stats: WorkerStats): void {
      const question = questions.get(id)
      if (stats.gone !== undefined) forgotten?.push(stats.gone)
      if (id === 0) last.set(worker, stats)
      // Parts of an answer that came too late are lost, and so it is none.
      else if (question !== undefined) last.set(worker, joined(stats, question.parts))
      question?.settle()
    },

    ended(worker: Worker): void {
      const stats = last.get(worker)
      last.delete(worker)
      if (stats !== undefined) gone.add(stats)
      for (const question of questions.values()) if (question.worker === worker) question.settle()
    },

    /** What they say now, or said last where one is silent, and what those before them had counted. */
    async collect(workers: readonly Worker[]) {
      const meanwhile: Names[] = (forgotten = [])
      await Promise.all(workers.map(answered))
      forgotten = undefined
      const living = workers.flatMap((worker) => {
        const stats = last.get(worker)
        return stats === undefined ? [] : [{ worker, stats }]
      })
      return { living, ended: gone.read(), forgotten: meanwhile }
    },

    /** Whom those that have ended have served, some at a time: for a living one to say who is no longer there. */
    *names(): Generator<Names> {
      const { hosts, backends } = gone.names()
      for (let i = 0; i < Math.max(hosts.length, backends.length); i += namesAtOnce)
        yield { hosts: hosts.slice(i, i + namesAtOnce), backends: backends.slice(i, i + namesAtOnce) }
    },
    forget(names: Names): void {
      gone.forget(names)
      forgotten?.push(names)
    },
  }
}
