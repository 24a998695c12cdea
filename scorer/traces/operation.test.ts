import { describe, expect, it } from 'vitest';
import { OperationNames } from './operation.ts';

describe('OperationNames', () => {
  const names = new OperationNames();
  it.each([
    ['GET /api/orders/4711', undefined, 'GET /api/orders/{id}'],
    ['GET /api/v1/orders/{orderId}', undefined, 'GET /api/v1/orders/{orderId}'],
    ['/o/6f9619ff-8b86-d011-b42d-00cf4fc964ff/x', undefined, '/o/{id}/x'],
    ['/o/8344c6bbb62a68a3eaebf0077ca7f7e5', undefined, '/o/{id}'],
    ['/o/deadbeef', undefined, '/o/deadbeef'],
    ['/t/dGhpcyBpcyBh12345678+w==', undefined, '/t/{id}'],
    ['/search?q=12', undefined, '/search'],
    ['/trips/2023-01-30', undefined, '/trips/{id}'],
    ['GET', 'https://shop.example/cart/7?x=1', 'GET /cart/{id}'],
    ['HTTP GET', 'https://shop.example', 'HTTP GET /'],
    ['GET /cart', '/cart/12', 'GET /cart'],
    ['SELECT ts.orders', undefined, 'SELECT ts.orders'],
    ['FoodDeliveryController2.process', undefined, 'FoodDeliveryController2.process'],
    ['x'.repeat(5000), undefined, 'x'.repeat(120)],
  ])('%s %s', (name, url, expected) => {
    expect(names.of({ name, url })).toBe(expected);
  });

  it("applies the user's patterns first", () => {
    const own = new OperationNames([{ pattern: '/products/[^/]+', replacement: '/products/{slug}' }]);
    expect(own.of({ name: 'GET /products/blue-shoes/5', url: undefined })).toBe('GET /products/{slug}/{id}');
  });
});
