import type { RequestHandler } from 'express';
import { expect, test } from 'vitest';
import { serve } from '../../test/support/serve.ts';
import { Problem } from '../domain/problems.ts';
import { allowOnly, answerNotFound } from './problems.ts';

function throwing(error: unknown): RequestHandler {
  return () => {
    throw error;
  };
}

test('a refusal is a problem document with our members', async () => {
  const ask = await serve([throwing(new Problem('order-not-found', 'There is no order A-1.'))]);

  const { status, headers, body } = await ask({ path: '/orders/A-1' });

  expect(status).toBe(404);
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(headers['cache-control']).toBe('no-store');
  expect(body).toEqual({
    success: false,
    type: '/problems/order-not-found',
    title: 'There is no such order',
    status: 404,
    detail: 'There is no order A-1.',
    code: 'order-not-found',
    retryable: false,
    requestId: headers['x-request-id'],
  });
});

test('a refusal of fields names each', async () => {
  const errors = [{ field: 'amount', message: 'is required' }];
  const ask = await serve([throwing(new Problem('invalid-request', 'Look.', { errors }))]);

  expect((await ask({})).body).toMatchObject({ status: 400, errors });
});

test('a refusal that may pass says when to come back', async () => {
  const ask = await serve([
    throwing(new Problem('payment-in-progress', 'Wait.', { retryAfter: 3 })),
  ]);

  const { headers, body } = await ask({});

  expect(headers['retry-after']).toBe('3');
  expect(body).toMatchObject({ status: 409, retryable: true });
});

test('a refused key says how to send one', async () => {
  const ask = await serve([throwing(new Problem('credentials-required', 'Send a key.'))]);

  expect((await ask({})).headers['www-authenticate']).toBe('Bearer realm="kassa"');
});

test.each([
  ['an error', new Error('password=hunter2')],
  ['an error of the database', Object.assign(new Error('relation "x"'), { code: '42P01' })],
  ['an error with a status of the server', Object.assign(new Error('hunter2'), { status: 502 })],
  ['a text', 'hunter2'],
  ['nothing', null],
])('of %s a client learns nothing but the request id', async (_, error) => {
  const ask = await serve([async () => Promise.reject(error ?? new Error('hunter2'))]);

  const { status, headers, body } = await ask({});

  expect(status).toBe(500);
  expect(body).toEqual({
    success: false,
    type: '/problems/internal-error',
    title: 'Something went wrong on our side',
    status: 500,
    detail: 'The fault is logged under the request id.',
    code: 'internal-error',
    retryable: true,
    requestId: headers['x-request-id'],
  });
});

test('a database that is away is a problem of its own', async () => {
  const error = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' });
  const ask = await serve([throwing(error)]);

  const { headers, body } = await ask({});

  expect(body).toMatchObject({ status: 503, code: 'database-unavailable' });
  expect(headers['retry-after']).toBe('2');
});

test('a path that cannot be decoded is the client’s fault', async () => {
  const { Router } = await import('express');
  const ask = await serve([Router().get('/orders/:id', (_req, res) => void res.end())]);

  expect((await ask({ path: '/orders/%E0%A4%A' })).body).toMatchObject({
    status: 400,
    code: 'invalid-request',
  });
});

test('what is nowhere is not found', async () => {
  const ask = await serve([answerNotFound]);

  expect((await ask({ path: '/nowhere?key=hunter2' })).body).toMatchObject({
    status: 404,
    code: 'not-found',
    detail: 'There is no /nowhere.',
  });
});

test('another method is refused with those that there are', async () => {
  const ask = await serve([allowOnly('GET', 'HEAD')]);

  const { headers, body } = await ask({ method: 'DELETE' });

  expect(headers.allow).toBe('GET, HEAD');
  expect(body).toMatchObject({ status: 405, code: 'method-not-allowed' });
});

test('half an answer is cut off, so that nobody takes it for a whole one', async () => {
  const ask = await serve([
    (_req, res) => {
      res.write('half');
      throw new Error('out of paper');
    },
  ]);

  await expect(ask({})).rejects.toMatchObject({ code: 'ECONNRESET' });
});
