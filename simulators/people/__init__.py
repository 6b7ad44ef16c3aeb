"""People at work: visitators who take calls and nurses who answer, over HTTP and WebSocket."""
