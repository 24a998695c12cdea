import { z } from 'zod';
import type { Controller } from './controller.ts';
import { FaultError, parseFault } from '../protocol/fault.ts';
import { FaultUnavailableError, SimError } from '../protocol/error.ts';
import { JsonHttpError, type JsonHandler } from '../protocol/json-http.ts';
import { changeLoad, loadChangeSchema } from '../topology/topology.ts';

const faultSchema = z.looseObject({ service: z.string('service: expected a name'), type: z.unknown() });

/** The controller's HTTP API: status 400 for invalid input, 409 for a conflict with the state. */
export function controllerRoutes(controller: Controller): Readonly<Record<string, JsonHandler>> {
  return {
    'GET /status': () => controller.status(),
    'POST /fault': async (body) => {
      const { service, type, ...args } = check(faultSchema, body);
      await mapErrors(() => controller.inject(service, parseFault(type, args)));
      return controller.status();
    },
    'DELETE /fault': async () => {
      await mapErrors(() => controller.lift());
      return controller.status();
    },
    'POST /load': async (body) => {
      await controller.setLoad(changeLoad(controller.settings, check(loadChangeSchema, body)));
      return controller.status();
    },
  };
}

function check<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  throw new JsonHttpError(400, path === '' ? (issue?.message ?? 'invalid input') : `${path}: ${issue?.message}`);
}

async function mapErrors(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof FaultError) throw new JsonHttpError(400, error.message);
    if (error instanceof SimError || error instanceof FaultUnavailableError)
      throw new JsonHttpError(409, error.message);
    throw error;
  }
}
