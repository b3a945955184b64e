// Clickstream to Google Retail as one would write it for node: the same documents as bench.limits.convert.

const NAMES = { view_item: 'detail-page-view', add_to_cart: 'add-to-cart', search: 'search', purchase: 'purchase-complete' }

export function retail(event) {
  const { _session_id, _page_url, _search_term, _page_title, _screen_id, ...bag } = event.attributes ?? {}
  const document = {
    eventType: NAMES[event.event_type],
    eventTime: new Date(event.timestamp).toISOString(),
    visitorId: event.unique_id,
    sessionId: _session_id,
    uri: _page_url,
    searchQuery: _search_term,
  }
  const user = event.user?._user_id
  if (user !== undefined) document.userInfo = { userId: user.value }
  let total
  if (event.event_type === 'purchase') {
    total = bag.value
    document.purchaseTransaction = { id: bag.order_id, currencyCode: bag.currency, revenue: total }
    delete bag.value
    delete bag.order_id
    delete bag.currency
  }
  if (event.items !== undefined) {
    document.productDetails = event.items.map((item) => ({
      product: { id: item.id, priceInfo: { price: item.price } },
      quantity: item.quantity,
    }))
  }
  const attributes = {}
  for (const name in bag) attributes[name] = typeof bag[name] === 'string' ? { text: [bag[name]] } : { numbers: [bag[name]] }
  attributes.event_id = { text: [event.event_id] }
  if (_page_title !== undefined) attributes.page_title = { text: [_page_title] }
  if (_screen_id !== undefined) attributes.page_id = { text: [_screen_id] }
  if (total !== undefined) attributes.goods_total = { numbers: [total] }
  document.attributes = attributes
  return document
}
