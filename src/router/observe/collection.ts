import { createStatsCounter, type Names, type WorkerStats } from './stats.ts'

const answerMs = 3000

/**
 * The master's view of what its workers count, in which no counter falls when one of them is replaced. `Worker` is the
 * identity of one; `ask` puts a question to it, whose number comes back with the answer.
 */
export function createStatsCollection<Worker>(ask: (worker: Worker, id: number) => void) {
  /** What each living worker said last. */
  const last = new Map<Worker, WorkerStats>()
  /** What those have counted that have ended. */
  const gone = createStatsCounter()
  const questions = new Map<number, { worker: Worker; settle: () => void }>()
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
      questions.set(id, { worker, settle })
      ask(worker, id)
    })
  }

  return {
    /** A worker's answer, or its last words (`id` 0). */
    told(worker: Worker, id: number, stats: WorkerStats): void {
      last.set(worker, stats)
      if (stats.gone !== undefined) forgotten?.push(stats.gone)
      questions.get(id)?.settle()
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

    /** Whom those that have ended have served: for a living one to say who of them is no longer there. */
    names: (): Names => gone.names(),
    forget(names: Names): void {
      gone.forget(names)
      forgotten?.push(names)
    },
  }
}
